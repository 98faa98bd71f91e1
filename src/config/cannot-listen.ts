/** An address of the configuration cannot be listened on. The message is for the operator: which one, and why. */
export class CannotListen extends Error {
  override readonly name = 'CannotListen';
}
