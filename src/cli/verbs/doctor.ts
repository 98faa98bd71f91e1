import { Command } from 'commander';
import { formatMistake } from '../../config/mistake.ts';
import { CONFIG_FILE, readConfigFile } from '../config-file.ts';
import { checkAudit } from '../doctor/audit.ts';
import { type Finding, fault, fine, warning } from '../doctor/finding.ts';
import { checkIdentities } from '../doctor/identities.ts';
import { checkListeners } from '../doctor/listeners.ts';
import { checkRuntime } from '../doctor/runtime.ts';
import { checkServers } from '../doctor/servers.ts';
import { checkStore } from '../doctor/store.ts';
import { EXIT, Failure } from '../failure.ts';
import { type Io, wantsColour } from '../io.ts';
import { type Column, table } from '../table.ts';
import { counted } from '../words.ts';

const MARKS = { fine: ['ok', 32], warning: ['warning', 33], fault: ['FAULT', 31] } as const;

const COLUMNS: readonly Column<Finding>[] = [
  {
    title: '',
    importance: 2,
    cell: ({ level }) => MARKS[level][0],
    paint: (text, { level }) => `\x1b[${MARKS[level][1]}m${text}\x1b[39m`,
  },
  { title: 'about', importance: 3, cell: ({ about }) => about },
  { title: 'found', importance: 1, cell: ({ told }) => told },
];

/** `keylease doctor`: looks at everything that a start would need, and says what to change. Fails where something would keep it from running. */
export function doctorVerb(io: Io): Command {
  return new Command('doctor')
    .description('check configuration, secrets, certificates, store, audit, disk, clock and limits, and say what to change')
    .option('--config <file>', 'the configuration (environment: KEYLEASE_CONFIG)', io.env.KEYLEASE_CONFIG || CONFIG_FILE)
    .action(async ({ config }: { readonly config: string }, command: Command) => {
      const findings = await examine(config, io);
      const { json } = command.optsWithGlobals<{ json: boolean }>();
      const shown = json ? JSON.stringify({ findings }, null, 2) : table(COLUMNS, findings, { width: null, colour: wantsColour(io) });
      io.out(`${shown}\n`);
      const faults = findings.filter(({ level }) => level === 'fault').length;
      if (faults > 0) throw new Failure(EXIT.refused, `${counted(faults, 'fault')}: keylease would not run well here`);
    });
}

async function examine(path: string, io: Io): Promise<readonly Finding[]> {
  const runtime = checkRuntime();
  const reading = await readConfigFile(path, io.env);
  if (!reading.ok) return [...reading.mistakes.map((mistake) => fault('config', formatMistake(mistake))), ...runtime];
  const { config } = reading;
  const keys = config.pools.reduce((sum, pool) => sum + pool.keys.length, 0);
  return [
    fine('config', `${path}: ${counted(config.pools.length, 'pool')}, ${counted(keys, 'key')}, every secret is there`),
    ...config.warnings.map((told) => warning('config', told)),
    ...(config.store.kind === 'redis' ? await checkServers(config.store) : checkStore(config.store, io.now())),
    ...checkIdentities(config, io.now()),
    ...checkAudit(config.audit),
    ...(await checkListeners(config)),
    ...runtime,
  ];
}
