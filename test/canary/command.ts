import { addVerb, buildProgram } from '../../src/cli/program.ts';
import { runProgram } from '../../src/cli/run.ts';
import { auditVerb } from '../../src/cli/verbs/audit.ts';
import { configVerb } from '../../src/cli/verbs/config.ts';
import { doctorVerb } from '../../src/cli/verbs/doctor.ts';
import { tokenVerb } from '../../src/cli/verbs/token.ts';
import { captureIo } from '../cli/run-cli.ts';
import type { World } from './world.ts';

/** What a verb prints, on both ways. */
export async function command({ proxy, env }: World, args: readonly string[]): Promise<string> {
  const { io, written } = captureIo({ env: env() });
  const program = buildProgram(io, () => Promise.reject(new Error('no app here')));
  for (const verb of [configVerb(io), doctorVerb(io), auditVerb(io), tokenVerb(io)]) addVerb(program, verb);
  await runProgram(program, ['--server', proxy.address, ...args], io);
  return written.out + written.err;
}
