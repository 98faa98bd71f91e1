import fc from 'fast-check';
import { expect, test } from 'vitest';
import { amountOn, heldOn } from '../../../src/pool/hold.ts';
import { roomAt } from '../../../src/pool/meter.ts';
import type { Lease } from '../../../src/pool/model.ts';
import { DAY, HOUR } from '../../support/clock.ts';
import { COUNTING } from '../../support/make.ts';
import type { World } from '../../support/world.ts';
import { acquire, type Command, commands, History, report } from './history.ts';

const RUNS = { numRuns: 400 };

/** Histories in which a rule once did not hold. */
const KNOWN: [Command[]][] = [
  [
    [
      acquire({ requests: 11, modelClass: 'opus' }),
      acquire({ outputTokens: 2 ** 53, ttlMs: 1, modelClass: 'opus' }),
      { do: 'reload', pool: 1 },
    ],
  ],
  [[acquire({}), report({ account: 'org' }), acquire({}), { do: 'reload', pool: 1 }]],
  [[acquire({}), { do: 'reload', pool: 3 }, report({}), { do: 'reload', pool: 0 }]],
  [
    [
      acquire({}),
      report({ verdict: 'billing', scope: 'limit_group' }),
      { do: 'pass', ms: HOUR },
      acquire({}),
      report({ verdict: 'client_error' }),
    ],
  ],
];

const leasesOf = ({ facts }: World) => [...facts.leases()];
const metersOf = (world: World) =>
  world
    .groups()
    .flatMap((group) =>
      Object.entries(group.meters).flatMap(([modelClass, meters]) => meters.map((meter) => ({ group, modelClass, meter }))),
    );

/** At the moment of a grant nothing that the lease needs is given away twice. */
function expectWithinLimits(world: World, granted: readonly Lease[]): void {
  const meters = granted.flatMap(({ group, modelClass, held }) =>
    (world.facts.group(group)?.meters[modelClass] ?? []).filter(({ dimension }) => amountOn(dimension, held) > 0),
  );
  for (const meter of meters) expect(roomAt(meter, world.now)).toBeGreaterThanOrEqual(-1e-6);
}

function expectSumsOfLeases(world: World): void {
  const leases = leasesOf(world);
  for (const { id } of world.pool.keys) {
    expect(world.facts.key(id)?.activeLeases ?? 0).toBe(leases.filter(({ keyId }) => keyId === id).length);
  }
  for (const { group, modelClass, meter } of metersOf(world)) {
    const held = leases.filter((lease) => lease.group === group.id && lease.modelClass === modelClass);
    const sum = held.reduce((total, lease) => total + heldOn(meter, lease, COUNTING), 0);
    expect(meter.reserved).toBeGreaterThanOrEqual(0);
    expect(Math.abs(meter.reserved - sum)).toBeLessThanOrEqual(1e-6 + sum * 1e-12);
  }
}

function expectLeasesWithTheirKeys(world: World): void {
  const groups = new Map(world.pool.keys.map(({ id }) => [id, world.facts.key(id)?.group]));
  const known = leasesOf(world).filter(({ keyId }) => groups.has(keyId));
  expect(known.map(({ group }) => group)).toEqual(known.map(({ keyId }) => groups.get(keyId)));
}

/** A block that is being probed is probed by a lease that is under way, or nobody would ever end it. */
function expectProbesUnderWay(world: World): void {
  const { facts } = world;
  const keys = world.pool.keys.flatMap(({ id }) => facts.key(id) ?? []);
  const records = [...keys.map(({ modelBlocks }) => modelBlocks), ...world.groups().map(({ blocks }) => blocks), facts.state.blocks];
  const blocks = [...keys.flatMap(({ block }) => block ?? []), ...records.flatMap((record) => Object.values(record))];
  const probes = blocks.flatMap(({ probe }) => probe ?? []);
  expect(probes.filter((id) => facts.lease(id) === undefined)).toEqual([]);
}

test('in every history: no limit is given away twice, and reservations and counts are those of the leases under way', () => {
  fc.assert(
    fc.property(commands, (all) => {
      const history = new History();
      for (const command of all) {
        const lease = history.run(command);
        expectWithinLimits(history.world, lease === undefined ? [] : [lease]);
        expectSumsOfLeases(history.world);
        expectLeasesWithTheirKeys(history.world);
        expectProbesUnderWay(history.world);
      }
    }),
    { ...RUNS, examples: KNOWN },
  );
});

test('after every history: once all leases have ended nothing is held and no key has a lease', () => {
  fc.assert(
    fc.property(commands, (all) => {
      const { world, run } = begun();
      for (const command of all) run(command);
      world.advance(DAY);
      expect(leasesOf(world)).toEqual([]);
      expect(metersOf(world).filter(({ meter }) => meter.reserved !== 0)).toEqual([]);
      expect(world.pool.keys.filter(({ id }) => (world.facts.key(id)?.activeLeases ?? 0) !== 0)).toEqual([]);
    }),
    { ...RUNS, examples: KNOWN },
  );
});

test('after every history: every record survives JSON unchanged', () => {
  fc.assert(
    fc.property(commands, (all) => {
      const { world, run } = begun();
      for (const command of all) run(command);
      const { facts } = world;
      const records = [facts.state, ...world.groups(), ...facts.leases(), ...world.pool.keys.flatMap(({ id }) => facts.key(id) ?? [])];
      for (const record of records) expect(JSON.parse(JSON.stringify(record))).toStrictEqual(record);
    }),
    { ...RUNS, examples: KNOWN },
  );
});

test('in every history: a lease is settled, released, revoked or expired once', () => {
  fc.assert(
    fc.property(commands, (all) => {
      const { world, run, granted } = begun();
      const reports = granted.map((_, lease) => report({}, lease));
      for (const command of [...all, ...reports]) run(command);
      for (const lease of granted) expect(world.report(lease, { used: { inputTokens: 1, outputTokens: 1 } })).toBeDefined();
      const before = JSON.stringify(world.groups());
      const outcomes = granted.filter(({ id }) => world.facts.lease(id) === undefined).map((lease) => world.report(lease).settled);
      expect(outcomes).toEqual(outcomes.map(() => false));
      expect(JSON.parse(JSON.stringify(world.groups()), withoutVersion)).toEqual(JSON.parse(before, withoutVersion));
    }),
    { ...RUNS, examples: KNOWN },
  );
});

function withoutVersion(name: string, value: unknown) {
  return name === 'version' ? undefined : value;
}

function begun() {
  const history = new History();
  return { world: history.world, granted: history.granted, run: (command: Command) => history.run(command) };
}
