/** Measures keylease beside its targets: `npm run bench`. bench/README.md tells how to read it. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { COMPARISONS, type Comparison, compare } from './comparisons.ts';
import { cpuTimes, describeMachine, pinLoad } from './machine.ts';
import { type Options, readOptions } from './options.ts';
import { nameOf, type ProbeOf, prepare } from './probes.ts';
import { percent } from './report/figures.ts';
import { idleTable, latencyTable, memoryTable, pickTable } from './report/others.ts';
import { comparisonTable, probeTable } from './report/rounds.ts';
import { type Probe, runRounds } from './rounds.ts';
import { measureIdle } from './sections/idle.ts';
import { measureLatency, SATURATIONS } from './sections/latency.ts';
import { measureMemory } from './sections/memory.ts';
import { measurePicks } from './sections/picks.ts';
import { Stage } from './stage.ts';

const print = (text: string) => void process.stdout.write(text);

/** What is under way, on one line that the next one replaces; nothing where nobody looks. */
const progress = (text: string) => void (process.stderr.isTTY && process.stderr.write(`\r\x1b[K${text}`));

async function bench(options: Options, stage: Stage): Promise<object> {
  const { sections } = options;
  const machine = describeMachine();
  print(
    `${Object.entries(machine)
      .map(([name, value]) => `${name.padEnd(12)} ${value}\n`)
      .join('')}`,
  );
  const before = cpuTimes();
  const comparisons = Object.entries(COMPARISONS).flatMap(([name, each]): readonly Comparison[] =>
    sections.has(name as never) ? each : [],
  );
  const { probes, missing } = await prepareAll(
    [...comparisons.flatMap(({ needs }) => needs), ...(sections.has('latency') ? SATURATIONS : [])],
    stage,
  );
  const samples = await runRounds(probes, options.rounds, options.sliceMs, progress);
  progress('');
  if (samples.size > 0) print(probeTable(samples));
  if (comparisons.length > 0) print(comparisonTable(comparisons, samples, missing));
  const others = await measureOthers(options, stage, samples);
  const after = cpuTimes();
  if (before !== null && after !== null) {
    const share = (after.stolen - before.stolen) / (after.all - before.all);
    print(`\nOther machines on this hardware took ${percent(share)} of the CPU time.\n`);
  }
  const measured = comparisons.filter(({ needs }) => needs.every((probe) => samples.has(nameOf(probe))));
  const compared = measured.map((each) => ({ what: each.what, target: each.target, ...compare(each, samples) }));
  return { machine, rounds: Object.fromEntries(samples), compared, missing: Object.fromEntries(missing), ...others };
}

async function prepareAll(wanted: readonly ProbeOf[], stage: Stage) {
  const probes = new Map<string, Probe>();
  const missing = new Map<string, string>();
  for (const probe of wanted) {
    const name = nameOf(probe);
    if (probes.has(name) || missing.has(name)) continue;
    progress(`starting: ${name}`);
    const prepared = await prepare(probe, stage);
    if (typeof prepared === 'function') probes.set(name, prepared);
    else missing.set(name, prepared.missing);
  }
  return { probes, missing };
}

async function measureOthers(options: Options, stage: Stage, samples: Parameters<typeof measureLatency>[1]): Promise<object> {
  const found: Record<string, unknown> = {};
  const section = async <T>(name: 'latency' | 'idle' | 'picks' | 'memory', measure: () => Promise<T>, write: (measured: T) => string) => {
    if (!options.sections.has(name)) return;
    progress(`measuring: ${name}`);
    const measured = await measure();
    progress('');
    found[name] = measured;
    print(write(measured));
  };
  await section('latency', () => measureLatency(stage, samples, options.latencyMs), latencyTable);
  await section('idle', () => measureIdle(stage, options.idleStreams), idleTable);
  await section('picks', () => measurePicks(options.pickMs), pickTable);
  await section('memory', () => measureMemory(options.leases), memoryTable);
  return found;
}

const options = readOptions(process.argv.slice(2));
if (typeof options === 'string') {
  print(options);
  process.exit(process.argv.includes('--help') ? 0 : 2);
}
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
pinLoad();
if (options.profile !== undefined) mkdirSync(options.profile, { recursive: true });
const stage = new Stage(options.profile);
try {
  const figures = await bench(options, stage);
  if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(figures, null, 2)}\n`);
} finally {
  await stage.stop();
}
