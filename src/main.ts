#!/usr/bin/env node
import { startApp } from './app.ts';
import { processIo } from './cli/io.ts';
import { addVerb, buildProgram } from './cli/program.ts';
import { runProgram } from './cli/run.ts';
import { configVerb } from './cli/verbs/config.ts';
import { serveVerb } from './cli/verbs/serve.ts';

const io = processIo();
const program = buildProgram(io, startApp);
addVerb(program, serveVerb(io));
addVerb(program, configVerb(io));
process.exitCode = await runProgram(program, process.argv.slice(2), io);
