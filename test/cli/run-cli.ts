import type { StartApp } from '../../src/cli/demo/demo.ts';
import type { Io } from '../../src/cli/io.ts';
import { buildProgram } from '../../src/cli/program.ts';
import { runProgram } from '../../src/cli/run.ts';

/** The moment at which every test runs. */
export const NOW = Date.UTC(2026, 0, 1);

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** An Io that keeps what is written. */
export function captureIo(overrides: Partial<Io> & { input?: string } = {}) {
  const written = { out: '', err: '' };
  const io: Io = {
    out(text) {
      written.out += text;
    },
    err(text) {
      written.err += text;
    },
    readInput: async () => overrides.input ?? '',
    env: {},
    isTerminal: false,
    columns: 80,
    rows: 24,
    now: () => NOW,
    ...overrides,
  };
  return { io, written };
}

const noApp: StartApp = () => Promise.reject(new Error('no app here'));

/** Runs the command and answers with everything it wrote and its exit code. */
export async function runCli(args: readonly string[], overrides: Partial<Io> & { input?: string; startApp?: StartApp } = {}): Promise<Ran> {
  const { io, written } = captureIo(overrides);
  const code = await runProgram(buildProgram(io, overrides.startApp ?? noApp), args, io);
  return { code, ...written };
}
