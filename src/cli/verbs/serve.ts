import { existsSync } from 'node:fs';
import { Command } from 'commander';
import pino, { type Logger } from 'pino';
import { startApp } from '../../app.ts';
import type { Config } from '../../config/config.ts';
import { formatMistake } from '../../config/mistake.ts';
import { CONFIG_FILE, readConfigFile } from '../config-file.ts';
import { usageMistake } from '../failure.ts';
import { harden, refuseInspector } from '../harden.ts';
import type { Io } from '../io.ts';

/** `keylease serve`: runs the service until a signal ends it. */
export function serveVerb(io: Io): Command {
  return new Command('serve')
    .description('run the service until SIGTERM or SIGINT; SIGHUP reads the configuration again')
    .option('--config <file>', `the configuration (environment: KEYLEASE_CONFIG)`, io.env.KEYLEASE_CONFIG || CONFIG_FILE)
    .option('--record <file>', 'append what is asked and reported, without anything secret, for `keylease simulate`')
    .action((options: Options) => serve(options, io));
}

interface Options {
  readonly config: string;
  readonly record?: string;
}

async function serve({ config: path, record }: Options, io: Io): Promise<void> {
  const hardened = harden(process.execArgv, io.env.NODE_OPTIONS ?? '');
  if (!existsSync(path)) throw usageMistake(`there is no configuration ${path}: name one with --config FILE`);
  const reading = await readConfigFile(path, io.env);
  if (!reading.ok) throw usageMistake(reading.mistakes.map(formatMistake).join('\n'));
  refuseInspector();
  const { config } = reading;
  const log = pino({ level: config.logLevel }, pino.destination({ dest: 1, sync: true }));
  hardened(log);
  const app = await startApp(config, { log, readConfig: () => readAgain(path, io), ...(record === undefined ? {} : { record }) });
  // Before anybody is told that the service is up, so that no signal finds it deaf.
  const signalled = untilSignal(log, () => app.reload());
  log.info({ listen: app.addresses, ops: app.opsAddress, config: path, store: config.store.kind }, 'keylease serves');
  if (io.isTerminal) io.err(banner(app.addresses[0] ?? '', config));
  await signalled;
  log.info('draining');
  await app.close();
  log.info('stopped');
}

async function readAgain(path: string, io: Io): Promise<Config | { mistakes: readonly string[] }> {
  const reading = await readConfigFile(path, io.env);
  return reading.ok ? reading.config : { mistakes: reading.mistakes.map(formatMistake) };
}

/** Resolves at the first SIGTERM or SIGINT; a second one ends the process at once. */
function untilSignal(log: Logger, reload: () => Promise<{ ok: boolean; problem?: unknown }>): Promise<void> {
  process.on('SIGHUP', () => {
    reload().then(
      (answer) => answer.ok || log.error({ problem: answer.problem }, 'the configuration was not reloaded: nothing changed'),
      (err: unknown) => log.error({ err }, 'the configuration was not reloaded'),
    );
  });
  return new Promise((resolve) => {
    let signalled = false;
    const onSignal = () => {
      if (signalled) process.exit(1);
      signalled = true;
      resolve();
    };
    process.on('SIGTERM', onSignal);
    process.on('SIGINT', onSignal);
  });
}

function banner(address: string, config: Config): string {
  const pool = config.pools[0]?.id ?? '';
  return `\nkeylease is up. From another terminal:\n  keylease lease --pool ${pool}\n  grpcurl -plaintext -d '{"pool":"${pool}"}' ${address} keylease.v1.KeyLeaseService/AcquireKey\n\n`;
}
