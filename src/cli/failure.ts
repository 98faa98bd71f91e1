/** The exit codes of the command. */
export const EXIT = { fine: 0, refused: 1, usage: 2, unavailable: 69 } as const;

/** Ends a verb with a message for people and an exit code. */
export class Failure extends Error {
  override readonly name = 'Failure';
  readonly exitCode: number;

  constructor(exitCode: number, message: string) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** The command was used wrongly. */
export const usageMistake = (message: string) => new Failure(EXIT.usage, message);

/** Nobody answers at the address. */
export const noServer = (address: string, isTls: boolean) =>
  new Failure(
    EXIT.unavailable,
    `no keylease server at ${address}${isTls ? ' that TLS trusts (see --tls-ca, and --tls-cert where it wants one)' : ''}: start one with \`keylease serve\`, or name another with --server`,
  );

/** Somebody is there but did not answer in time. */
export const noAnswer = (address: string, timeout: string) =>
  new Failure(
    EXIT.unavailable,
    `the server at ${address} did not answer within ${timeout}: look at its log, or wait longer with --timeout`,
  );
