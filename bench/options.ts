import { parseArgs } from 'node:util';

/** What can be measured by itself, in the order of the output. */
const SECTIONS = ['unary', 'durable', 'pairs', 'stream', 'cpp', 'latency', 'idle', 'picks', 'memory'] as const;

type Section = (typeof SECTIONS)[number];

export interface Options {
  readonly sections: ReadonlySet<Section>;
  readonly rounds: number;
  /** How long each probe is loaded in each round. */
  readonly sliceMs: number;
  readonly latencyMs: number;
  readonly pickMs: number;
  readonly idleStreams: number;
  readonly leases: number;
  /** Where the figures are written as JSON. */
  readonly json: string | undefined;
  /** The folder for CPU profiles of the servers. */
  readonly profile: string | undefined;
}

const FULL = { rounds: 5, sliceMs: 1_000, latencyMs: 5_000, pickMs: 1_000, idleStreams: 10_000, leases: 200_000 };
const QUICK = { rounds: 1, sliceMs: 150, latencyMs: 300, pickMs: 20, idleStreams: 1_000, leases: 30_000 };

const HELP = `usage: npm run bench -- [options]

  --only NAME[,NAME…]  measure only these: ${SECTIONS.join(', ')}
  --quick              a second or two for each: shows that all of it runs, the figures mean little
  --rounds N           rounds over all probes, default ${FULL.rounds}
  --leases N           leases for the section memory, default ${FULL.leases}; ten million take a quarter of an hour
  --json FILE          write the figures of all rounds as JSON as well
  --profile FOLDER     leave a CPU profile of each server, for the developer tools of a browser
`;

/** What the arguments say; a text: what is wrong with them, or the help that was asked for. */
export function readOptions(args: readonly string[]): Options | string {
  try {
    return optionsOf(args);
  } catch (error) {
    return `${(error as Error).message}\n\n${HELP}`;
  }
}

function optionsOf(args: readonly string[]): Options | string {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      only: { type: 'string', multiple: true, default: [] },
      quick: { type: 'boolean', default: false },
      rounds: { type: 'string' },
      leases: { type: 'string' },
      json: { type: 'string' },
      profile: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return HELP;
  const lengths = values.quick ? QUICK : FULL;
  const named = [...values.only, ...positionals].flatMap((names) => names.split(','));
  return {
    ...lengths,
    sections: new Set(named.length === 0 ? SECTIONS : named.map(sectionNamed)),
    rounds: countOf('rounds', values.rounds, lengths.rounds, 100),
    leases: countOf('leases', values.leases, lengths.leases, 100_000_000),
    json: values.json,
    profile: values.profile,
  };
}

function sectionNamed(name: string): Section {
  const section = SECTIONS.find((each) => each === name);
  if (section === undefined) throw new Error(`there is no section ${name}`);
  return section;
}

function countOf(name: string, text: string | undefined, byDefault: number, max: number): number {
  if (text === undefined) return byDefault;
  const count = Number(text.replaceAll('_', ''));
  if (!Number.isInteger(count) || count < 1 || count > max) throw new Error(`--${name} must be a whole number from 1 to ${max}`);
  return count;
}
