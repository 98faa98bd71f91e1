/** Telemetry cannot be sent as configured; the message says what to do. */
export class CannotSend extends Error {
  override readonly name = 'CannotSend';
}
