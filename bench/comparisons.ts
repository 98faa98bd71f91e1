import { FDATASYNC, load, nameOf, type ProbeOf } from './probes.ts';
import type { Sample, Samples } from './rounds.ts';
import { type Spread, spreadOf } from './statistics.ts';

export interface Target {
  readonly atLeast?: number;
  readonly atMost?: number;
}

type At = (probe: ProbeOf) => Sample;

/** Two things measured in one round, put in proportion. */
export interface Comparison {
  readonly what: string;
  readonly needs: readonly ProbeOf[];
  readonly byRate: (at: At) => number;
  /** The same in the servers' CPU time, which noise on the machine moves less; null: CPU time says nothing about it. */
  readonly byCpu: ((at: At) => number) | null;
  /** What a prototype reached. */
  readonly prototype: string;
  readonly target: Target | null;
}

/** A comparison after all rounds: the median of the proportions, each taken within its round. */
export interface Compared {
  readonly byRate: Spread;
  readonly byCpu: Spread | null;
}

export function compare({ byRate, byCpu, needs }: Comparison, samples: Samples): Compared {
  const rounds = samples.get(nameOf(needs[0] as ProbeOf))?.length ?? 0;
  const overRounds = (figure: (at: At) => number) =>
    spreadOf(Array.from({ length: rounds }, (_, round) => figure((probe) => samples.get(nameOf(probe))?.[round] as Sample)));
  return { byRate: overRounds(byRate), byCpu: byCpu && overRounds(byCpu) };
}

function ratio(what: string, over: ProbeOf, under: ProbeOf, prototype: string, target: Target | null = null): Comparison {
  return {
    what,
    needs: [over, under],
    byRate: (at) => (at(over).perSecond ?? Number.NaN) / (at(under).perSecond ?? Number.NaN),
    byCpu: (at) => (at(under).cpuMicros ?? Number.NaN) / (at(over).cpuMicros ?? Number.NaN),
    prototype,
    target,
  };
}

/** A server that waits for its disk takes no CPU meanwhile, so only its rate counts. */
function durable(underWay: number, prototype: string, atLeast: number): Comparison {
  const [file, memory] = [load('file', 'acquire', underWay), load('memory', 'acquire', underWay)];
  return { ...ratio(`file ÷ memory: AcquireKey, ${underWay} under way`, file, memory, prototype, { atLeast }), byCpu: null };
}

const addedByDisk: Comparison = {
  what: 'time that the file store adds, 1 under way ÷ fdatasync',
  needs: [load('file', 'acquire', 1), load('memory', 'acquire', 1), FDATASYNC],
  byRate: (at) => (at(load('file', 'acquire', 1)).p50Micros - at(load('memory', 'acquire', 1)).p50Micros) / at(FDATASYNC).p50Micros,
  byCpu: null,
  prototype: '',
  target: { atMost: 2 },
};

const unary = (underWay: number) =>
  ratio(`AcquireKey ÷ grpc-js echo, ${underWay} under way`, load('memory', 'acquire', underWay), load('echo', 'acquire', underWay), '', {
    atLeast: 0.8,
  });

const ownUnary = load('memory', 'acquire', 128);
const cppUnary = load('cpp', 'acquire', 128);

/** What is compared, by section. */
export const COMPARISONS = {
  unary: [unary(1), unary(16), unary(64), unary(128)],
  durable: [durable(1, '0.49', 0.45), durable(16, '0.59', 0.55), durable(128, '0.85', 0.8), addedByDisk],
  pairs: [
    ratio('acquire + report ÷ acquire alone, memory', load('memory', 'pairs', 64), load('memory', 'acquire', 64), ''),
    ratio('acquire + report: file ÷ memory', load('file', 'pairs', 64), load('memory', 'pairs', 64), ''),
  ],
  stream: [
    ratio('stream, 1 a message ÷ own AcquireKey, memory', load('memory', 'stream', 128), ownUnary, '7 to 8', { atLeast: 5 }),
    ratio('stream, 32 a message ÷ own AcquireKey, memory', load('memory', 'stream32', 128), ownUnary, '12.6', { atLeast: 8 }),
    ratio('stream, 1 a message: file ÷ memory', load('file', 'stream', 128), load('memory', 'stream', 128), '0.55', { atLeast: 0.6 }),
    ratio('stream, 32 a message: file ÷ memory', load('file', 'stream32', 128), load('memory', 'stream32', 128), '', { atLeast: 0.6 }),
  ],
  cpp: [
    ratio('C++ echo ÷ grpc-js echo', cppUnary, load('echo', 'acquire', 128), '2.57'),
    ratio('stream, 1 a message, file ÷ C++ echo', load('file', 'stream', 128), cppUnary, '', { atLeast: 1.5 }),
    ratio('stream, 32 a message, file ÷ C++ echo', load('file', 'stream32', 128), cppUnary, '', { atLeast: 1.5 }),
  ],
} satisfies Record<string, readonly Comparison[]>;
