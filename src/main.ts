#!/usr/bin/env node
import { startApp } from './app.ts';
import { AuditNotOpened } from './audit/sink.ts';
import { processIo } from './cli/io.ts';
import { addVerb, buildProgram } from './cli/program.ts';
import { runProgram } from './cli/run.ts';
import { auditVerb } from './cli/verbs/audit.ts';
import { completionVerb } from './cli/verbs/completion.ts';
import { configVerb } from './cli/verbs/config.ts';
import { doctorVerb } from './cli/verbs/doctor.ts';
import { serveVerb } from './cli/verbs/serve.ts';
import { simulateVerb } from './cli/verbs/simulate.ts';
import { tokenVerb } from './cli/verbs/token.ts';
import { CannotListen } from './config/cannot-listen.ts';
import { CannotSend } from './config/cannot-send.ts';
import { StoreNotOpened } from './store/file-errors.ts';
import { StoreLost } from './store/store.ts';

const MENDABLE = [StoreNotOpened, StoreLost, CannotListen, CannotSend, AuditNotOpened];

const io = processIo();
const program = buildProgram(io, startApp);
addVerb(program, serveVerb(io));
addVerb(program, configVerb(io));
addVerb(program, doctorVerb(io));
addVerb(program, auditVerb(io));
addVerb(program, simulateVerb(io));
addVerb(program, tokenVerb(io));
addVerb(program, completionVerb(io, program));
try {
  process.exitCode = await runProgram(program, process.argv.slice(2), io);
} catch (error) {
  // What the operator can mend is told in one line; anything else is a fault, with its stack.
  if (!(error instanceof Error && MENDABLE.some((kind) => error instanceof kind))) throw error;
  io.err(`${error.message}\n`);
  process.exitCode = 1;
}
