import { readFileSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { type Command as BaseCommand, Command, InvalidArgumentError } from 'commander';
import { unknownName } from '../../config/nearest.ts';
import { DEFAULT_SCENARIO } from '../../simulate/default-scenario.ts';
import type { Call, Scenario } from '../../simulate/scenario.ts';
import { baselineNames, type Result, simulate, simulatedNames } from '../../simulate/simulate.ts';
import { type Overrides, readSource } from '../../simulate/source.ts';
import { drawTimeline } from '../../simulate/svg.ts';
import { REFUSED_MAX, sweep } from '../../simulate/sweep.ts';
import { usageMistake } from '../failure.ts';
import { type Io, wantsColour } from '../io.ts';
import { countOption } from '../options.ts';
import { type Column, table } from '../table.ts';
import { counted, number, span } from '../words.ts';

interface Options extends Overrides {
  readonly strategy: readonly string[];
  readonly svg?: string;
  readonly sweep?: { readonly from: number; readonly to: number };
}

interface Played {
  readonly scenario: Scenario;
  readonly calls: readonly Call[];
}

/** Shows how far a simulation is; the empty text clears it. */
type Progress = (text: string) => void;

/** `keylease simulate`: strategies and what they are compared with, in virtual time, against a model of a provider. */
export function simulateVerb(io: Io, isErrTerminal = process.stderr.isTTY === true): Command {
  const progress: Progress = isErrTerminal ? (text) => io.err(`\r\x1b[K${text}`) : () => {};
  return new Command('simulate')
    .description('play a scenario, or a recorded trace, with strategies side by side, in virtual time')
    .argument('[file]', 'a scenario (YAML), or a trace that `keylease serve --record` wrote (.jsonl); left out: a busy pool of four keys')
    .option('--strategy <name...>', `strategies, or all; always compared with ${baselineNames.join(' and ')}`, ['least_loaded'])
    .option('--keys <count>', 'so many keys, each in an organization of its own', keysOption)
    .option('--seed <number>', 'the same seed, the same result', countOption)
    .option('--hours <count>', 'how long, in place of what the file says', hoursOption)
    .option('--sweep <from..to>', 'find the smallest number of keys that is enough for the first strategy', sweepOption)
    .option('--svg <file>', 'draw what the first strategy did over time')
    .action((file: string | undefined, options: Options, command: BaseCommand) =>
      run(io, progress, file, options, command.optsWithGlobals().json === true),
    );
}

function run(io: Io, progress: Progress, file: string | undefined, options: Options, asJson: boolean): void {
  const strategies = strategiesOf(options.strategy);
  const source = readSource(
    file === undefined ? DEFAULT_SCENARIO : textOf(file),
    file === undefined ? 'busy pool' : basename(file),
    options,
  );
  if (!source.ok) throw usageMistake(source.mistakes.join('\n'));
  const layout = { width: io.isTerminal ? io.columns : null, colour: wantsColour(io) };
  const began = io.now();
  const answer =
    options.sweep === undefined ? compare(source, strategies, options, progress) : search(source, strategies[0]!, options.sweep, progress);
  progress('');
  const words = `${heading(source)}\n\n${table(answer.columns, answer.results, layout)}${answer.conclusion}`;
  const { name: scenario, seed } = source.scenario;
  io.out(`${asJson ? JSON.stringify({ scenario, seed, ...answer.told, results: answer.results }) : words}\n`);
  const [simulatedMs, tookMs] = [source.scenario.durationMs * answer.results.length, Math.max(1, io.now() - began)];
  io.err(`simulated ${span(simulatedMs)} in ${span(tookMs)}, ${number(simulatedMs / tookMs)} times as fast as life\n`);
}

/** What is printed: a table, and what follows from it. */
interface Answer {
  readonly columns: readonly Column<Result>[];
  readonly results: readonly Result[];
  readonly conclusion: string;
  readonly told: Readonly<Record<string, unknown>>;
}

function compare({ scenario, calls }: Played, strategies: readonly string[], { svg }: Options, progress: Progress): Answer {
  const results = strategies.map((strategy, place) => {
    const withTimeline = place === 0 && svg !== undefined;
    const onProgress = (share: number) => progress(bar(strategy, share));
    const { result, timeline } = simulate(scenario, calls, strategy, { onProgress, withTimeline });
    if (timeline !== null && svg !== undefined) write(svg, drawTimeline(timeline));
    return result;
  });
  return { columns: COLUMNS, results, conclusion: '', told: {} };
}

function search({ scenario, calls }: Played, strategy: string, range: { from: number; to: number }, progress: Progress): Answer {
  const onProgress = (keys: number, share: number) => progress(bar(counted(keys, 'key'), share));
  const { results, enough } = sweep(scenario, calls, strategy, range, onProgress);
  const found =
    enough === null ? `Not even ${counted(range.to, 'key')} are enough` : `${counted(enough, 'key')} ${enough === 1 ? 'is' : 'are'} enough`;
  const conclusion = `\n\n${found} for fewer than ${percent(REFUSED_MAX)} of the calls to be refused or to fail.`;
  return { columns: SWEEP_COLUMNS, results, conclusion, told: { enough } };
}

const percent = (share: number) => `${(share * 100).toFixed(share !== 0 && share < 0.01 ? 2 : 1)} %`;
const states = (result: Result) => Object.entries(result.states).map(([state, count]) => `${count} ${state}`);

const OUTCOME: readonly Column<Result>[] = [
  { title: 'used', importance: 9, right: true, cell: ({ used }) => (used === null ? '-' : percent(used)) },
  { title: 'met a 429', importance: 8, right: true, cell: ({ limited }) => percent(limited) },
  { title: 'refused', importance: 7, right: true, cell: ({ refused }) => percent(refused) },
  { title: 'failed', importance: 3, right: true, cell: ({ failed }) => percent(failed) },
  { title: 'wait p50', importance: 5, right: true, cell: ({ waitP50Ms }) => span(waitP50Ms) },
  { title: 'p99', importance: 6, right: true, cell: ({ waitP99Ms }) => span(waitP99Ms) },
  { title: 'fairness', importance: 2, right: true, cell: ({ fairness }) => fairness.toFixed(3) },
];

const COLUMNS: readonly Column<Result>[] = [
  { title: 'strategy', importance: 10, cell: ({ strategy }) => strategy },
  ...OUTCOME,
  { title: 'keys at the end', importance: 1, cell: (result) => states(result).join(', ') },
];

const SWEEP_COLUMNS: readonly Column<Result>[] = [
  { title: 'keys', importance: 10, right: true, cell: ({ keys }) => number(keys) },
  ...OUTCOME.filter(({ title }) => title !== 'fairness'),
];

function heading({ scenario, calls }: Played): string {
  const organizations = new Set(scenario.keys.map(({ organization }) => organization)).size;
  const keys = `${counted(scenario.keys.length, 'key')} of ${counted(organizations, 'organization')}`;
  return `${scenario.name}: ${span(scenario.durationMs)}, ${counted(calls.length, 'call')}, ${keys}, seed ${scenario.seed}`;
}

function bar(what: string, share: number): string {
  const done = Math.round(share * 30);
  return `${what} ${'█'.repeat(done)}${'░'.repeat(30 - done)} ${Math.round(share * 100)} %`;
}

function strategiesOf(names: readonly string[]): readonly string[] {
  const wanted = names.flatMap((name) => (name === 'all' ? simulatedNames : [name]));
  const unknown = wanted.find((name) => !simulatedNames.includes(name));
  if (unknown !== undefined) throw usageMistake(unknownName('strategy', unknown, [...simulatedNames, 'all']));
  return [...new Set([...wanted, ...baselineNames])];
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    throw usageMistake(`${file} cannot be read`);
  }
}

function write(file: string, text: string): void {
  try {
    writeFileSync(file, text);
  } catch {
    throw usageMistake(`${file} cannot be written`);
  }
}

function keysOption(text: string): number {
  const keys = countOption(text);
  if (keys < 1 || keys > 10_000) throw new InvalidArgumentError('Write a number from 1 to 10000.');
  return keys;
}

function hoursOption(text: string): number {
  const hours = Number(text);
  if (!/^\d+(?:\.\d+)?$/.test(text) || hours <= 0 || hours > 48) throw new InvalidArgumentError('Write a number above 0, at most 48.');
  return hours;
}

function sweepOption(text: string): { from: number; to: number } {
  const found = /^(\d{1,5})\.\.(\d{1,5})$/.exec(text);
  const [from, to] = [Number(found?.[1]), Number(found?.[2])];
  if (found === null || from < 1 || from > to) throw new InvalidArgumentError('Write two numbers from 1 up, as in 1..20.');
  return { from, to };
}
