import { type Command, CommanderError } from 'commander';
import { Status } from 'nice-grpc';
import { explainRefusal } from './explain-refusal.ts';
import { EXIT, Failure } from './failure.ts';
import type { Io } from './io.ts';
import { Refusal } from './refusal.ts';
import { plain } from './words.ts';

/** Runs the program on arguments (without node and script) and answers with the exit code. Faults are thrown. */
export async function runProgram(program: Command, args: readonly string[], io: Io): Promise<number> {
  try {
    await program.parseAsync(args, { from: 'user' });
    return EXIT.fine;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.fine : EXIT.usage;
    if (error instanceof Failure) {
      io.err(`${plain(error.message)}\n`);
      return error.exitCode;
    }
    if (error instanceof Refusal) {
      io.err(`${program.opts().json ? JSON.stringify(refusalMessage(error)) : explainRefusal(error)}\n`);
      return EXIT.refused;
    }
    throw error;
  }
}

function refusalMessage({ status, message, details }: Refusal): unknown {
  return { error: { status: Status[status] ?? status, message, ...details } };
}
