import { Command, Option } from 'commander';
import { DEFAULT_ADDRESS } from './address.ts';
import type { StartApp } from './demo/demo.ts';
import type { Io } from './io.ts';
import { addressOption, durationOption } from './options.ts';
import { demoVerb } from './verbs/demo.ts';
import { drainVerb } from './verbs/drain.ts';
import { enableVerb } from './verbs/enable.ts';
import { explainVerb } from './verbs/explain.ts';
import { keyVerb } from './verbs/key.ts';
import { keysVerb } from './verbs/keys.ts';
import { leaseVerb } from './verbs/lease.ts';
import { leasesVerb } from './verbs/leases.ts';
import { markHealthyVerb } from './verbs/mark-healthy.ts';
import { markUnhealthyVerb } from './verbs/mark-unhealthy.ts';
import { poolsVerb } from './verbs/pools.ts';
import { releaseVerb } from './verbs/release.ts';
import { reloadVerb } from './verbs/reload.ts';
import { renewVerb } from './verbs/renew.ts';
import { reportVerb } from './verbs/report.ts';
import { revokeVerb } from './verbs/revoke.ts';
import { topVerb } from './verbs/top.ts';

const VERBS = [
  ...[leaseVerb, reportVerb, renewVerb, releaseVerb, markUnhealthyVerb],
  ...[poolsVerb, keysVerb, keyVerb, leasesVerb, explainVerb, topVerb],
  ...[markHealthyVerb, drainVerb, enableVerb, revokeVerb, reloadVerb],
];

const TIMEOUT_MS = 5_000;

/** The `keylease` command with every verb but `serve`. It throws instead of exiting: `runProgram` turns that into an exit code. */
export function buildProgram(io: Io, startApp: StartApp): Command {
  const program = new Command('keylease')
    .description('lease upstream API keys, so that many services share them without breaking their limits')
    .addOption(
      new Option('--server <address>', 'the server, host:port or unix:/path (environment: KEYLEASE_SERVER)')
        .argParser(addressOption)
        .default(io.env.KEYLEASE_SERVER || DEFAULT_ADDRESS),
    )
    .option('--json', 'print answers as JSON', false)
    .addOption(new Option('--timeout <duration>', 'how long to wait for an answer').argParser(durationOption).default(TIMEOUT_MS, '5s'))
    .addOption(fileOption(io, '--tls-ca', "the authority of the server's certificate as PEM, or system: connect with TLS"))
    .addOption(fileOption(io, '--tls-cert', 'the certificate to show, as PEM'))
    .addOption(fileOption(io, '--tls-key', 'its private key, as PEM'))
    .addOption(fileOption(io, '--token-file', 'the token or JWT to show; the environment may have it in KEYLEASE_TOKEN'))
    .configureOutput({ writeOut: io.out, writeErr: io.err })
    .showHelpAfterError('(add --help for what there is)')
    .exitOverride();
  for (const verb of VERBS) addVerb(program, verb(io));
  addVerb(program, demoVerb(io, startApp));
  return program;
}

function fileOption(io: Io, name: string, what: string): Option {
  const variable = `KEYLEASE_${name.slice(2).toUpperCase().replaceAll('-', '_')}`;
  const option = new Option(`${name} <file>`, `${what} (environment: ${variable})`);
  return io.env[variable] ? option.default(io.env[variable]) : option;
}

/** Adds a verb that prints and ends as the program does. */
export function addVerb(program: Command, verb: Command): void {
  program.addCommand(verb.copyInheritedSettings(program));
}
