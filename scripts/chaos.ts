/**
 * Lets replicas of the service, over one Redis each time in another topology, meet faults under load, and checks all that clients were
 * told. Prints a line for each fault and a table; begins no fault after --minutes; fails where anything was granted or settled that may not be.
 */
import { parseArgs } from 'node:util';
import { type Round, runChaos } from '../test/chaos/chaos.ts';
import type { ViolationKind } from '../test/chaos/checker.ts';
import { FAULTS, type Fault } from '../test/chaos/faults.ts';
import { type Others, percentile } from '../test/chaos/figures.ts';
import { type Kind, TOPOLOGIES } from '../test/chaos/topology.ts';
import { redisServer } from '../test/support/redis.ts';

const { values } = parseArgs({
  options: {
    failovers: { type: 'string', default: process.env.CHAOS_FAILOVERS ?? '100' },
    topology: { type: 'string', default: 'all' },
    faults: { type: 'string', default: 'all' },
    minutes: { type: 'string', default: '600' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
  },
});

/** When the others are to answer as they did before one of them was killed. */
const CALM_S = 3;

const end = performance.now() + Number(values.minutes) * 60_000;

if (redisServer === null) process.exitCode = 1;
else await main();

async function main(): Promise<void> {
  const kinds = TOPOLOGIES.filter((kind) => values.topology === 'all' || values.topology === kind);
  if (kinds.length === 0) throw new Error(`--topology ${values.topology}: expected all, ${TOPOLOGIES.join(', ')}`);
  const rows = [];
  for (const [place, kind] of kinds.entries()) {
    const share = Math.floor((Number(values.failovers) + place) / kinds.length);
    rows.push(await runOn(kind, planOf(kind, share)));
  }
  process.stdout.write(`\nseed ${values.seed}\n${rows.map((row) => row.join('  ')).join('\n')}\n`);
}

/** So many failovers of every kind in turn, and between them the other faults. */
function planOf(kind: Kind, failovers: number): Fault[] {
  const chosen = FAULTS.filter(({ name, on }) => on.includes(kind) && (values.faults === 'all' || values.faults.split(',').includes(name)));
  const [moving, others] = [chosen.filter(({ isFailover }) => isFailover), chosen.filter(({ isFailover }) => !isFailover)];
  if (moving.length === 0) return others;
  const plan: Fault[] = [];
  for (let count = 0; count < failovers; count += 1) {
    plan.push(moving[count % moving.length] as Fault);
    const other = others[count % others.length];
    if (other !== undefined) plan.push(other);
  }
  return plan;
}

async function runOn(kind: Kind, faults: readonly Fault[]): Promise<string[]> {
  const seed = Number(values.seed);
  const { rounds, violations, acknowledged, crashes } = await runChaos({
    kind,
    faults,
    seed,
    isOver: () => performance.now() > end,
    tell: (round) => process.stdout.write(`${kind}: ${lineOf(round)}\n`),
  });
  for (const { kind: what, text } of violations) process.stdout.write(`${kind}: ${what}: ${text}\n`);
  for (const crash of crashes) process.stdout.write(`${kind}: ${crash}\n`);
  if (violations.length + crashes.length > 0 || rounds.some(({ isSeen }) => !isSeen)) process.exitCode = 1;
  const count = (what: ViolationKind) => violations.filter((violation) => violation.kind === what).length;
  const failovers = rounds.filter(({ fault }) => fault.isFailover);
  const kills = rounds.filter(({ fault }) => fault.name === 'kill replica');
  const calm = kills.filter(({ outage }) => (outage.others.calmAfter ?? Number.POSITIVE_INFINITY) <= CALM_S).length;
  const away = failovers.map(({ outage }) => outage.unavailableMs);
  const figures = [
    ...[`failovers ${failovers.length}`, `other faults ${rounds.length - failovers.length}`, `acknowledged ${acknowledged}`],
    ...[`over-grants ${count('over-grant') + count('over-window')}`, `double grants ${count('double grant')}`],
    ...[
      `double settlements ${count('double settlement')}`,
      `lost settlements ${count('lost settlement')}`,
      `stale grants ${count('expired when granted')}`,
    ],
    `unavailable p50/p99 ${ms(percentile(away, 0.5))}/${ms(percentile(away, 0.99))}`,
    ...(kills.length === 0 ? [] : [`others calm within ${CALM_S} s of a kill ${calm}/${kills.length}`]),
  ];
  return [kind, ...figures, `crashes ${crashes.length}`];
}

function lineOf({ fault, isSeen, outage }: Round): string {
  const { unavailableMs, resumedMs, failed, others } = outage;
  const figures = [
    ...[`unavailable ${ms(unavailableMs)}`, `granting again ${ms(resumedMs)} after the end`, `${failed} calls unknown`],
    `p99 of the others ${ms(others.before)}, then by second ${others.seconds.map(rounded).join('/')} ms: ${calmOf(others)}`,
  ];
  return `${fault.name}${isSeen ? '' : ' (NOT SEEN)'}: ${figures.join(', ')}`;
}

function calmOf({ calmAfter }: Others): string {
  return calmAfter === null ? 'not back to twice that or less' : `back to twice that or less after ${calmAfter} s`;
}

/** A second in which nobody was answered has no p99. */
function rounded(value: number): string {
  return Number.isNaN(value) ? '-' : String(Math.round(value));
}

function ms(value: number): string {
  return `${Math.round(value)} ms`;
}
