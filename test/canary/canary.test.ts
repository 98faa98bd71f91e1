import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { KeyLeaseServiceDefinition } from '../../src/generated/keylease/v1/key_lease_service.ts';
import { PoolAdminServiceDefinition } from '../../src/generated/keylease/v1/pool_admin_service.ts';
import { redisServer } from '../support/redis.ts';
import { command } from './command.ts';
import { Scanner } from './scanner.ts';
import { play } from './scenario.ts';
import { newCanary } from './shapes.ts';
import { makeWorld, newCanaries } from './world.ts';

const METHODS = [KeyLeaseServiceDefinition, PoolAdminServiceDefinition].flatMap(({ fullName, methods }) =>
  Object.values(methods).map(({ name }) => `/${fullName}/${name}`),
);

const PAGES = ['page /', 'page /metrics', 'page /events'];
const OTLP = ['OTLP: /v1/metrics', 'OTLP: /v1/traces'];
/** Left out where there is no server to be had. */
const REDIS = redisServer === null ? [] : ['Redis: keys', 'Redis: values', 'Redis: AOF', 'Redis: RDB'];
const FILES = ['store: keylease.db', 'audit', 'recording', 'file of tokens'];

/** What must not be empty, or nothing was looked at. */
const SOURCES = ['stdout', ...FILES, 'command: keys', 'command: doctor', 'command: token', ...PAGES, ...OTLP, ...REDIS, ...METHODS];

test('no byte that leaves the server contains a secret, but for the credential of a granted lease', async () => {
  const world = await makeWorld();
  const scanner = new Scanner(world.canaries);
  const { goodCallers, goodCommands } = await play(world, scanner);
  process.stdout.write(`canary run: ${scanner.summary}\n`);
  expect(scanner.hits).toEqual([]);
  const silent = SOURCES.filter((source) => (scanner.sources.get(source) ?? 0) === 0);
  expect(silent).toEqual([]);
  expect(goodCallers).toEqual(['OK', 'OK', 'OK']);
  expect(goodCommands).toEqual([expect.stringContaining('openai'), expect.stringContaining('openai')]);
  expect(new Set(world.collector.sent.map(({ authorization }) => authorization))).toEqual(new Set([world.canaries['header of OTLP']]));

  const written = [
    ...world.processes.map(({ out }) => out()),
    ...['audit.log', 'record.jsonl'].map((name) => readFileSync(join(world.folder, name), 'utf8')),
    ...world.collector.sent.map(({ told }) => told.toString()),
  ];
  expect(world.leaseIds.length).toBeGreaterThan(10);
  expect(world.leaseIds.filter((id) => written.join('').includes(id))).toEqual([]);

  await world.start();
  const shown = await command(world, ['lease', '--pool', 'openai', '--show-secret']);
  expect(shown).toContain(world.canaries['text in the configuration']);
});

test('a secret that leaves on any way is found there', async () => {
  const name = newCanary()
    .replace(/[^A-Za-z0-9]/g, 'x')
    .toLowerCase();
  const world = await makeWorld({ first: name, canaries: { ...newCanaries(), variable: name } });
  const scanner = new Scanner({ variable: name, 'word of the page': '<title>keylease', 'method of a span': 'KeyLeaseService/AcquireKey' });
  await play(world, scanner);
  const found = new Set(scanner.hits.map(({ source }) => source));
  const tells = [
    ...['stdout', ...FILES, 'command: keys', 'command: token', ...PAGES, ...OTLP, ...REDIS],
    '/keylease.v1.KeyLeaseService/AcquireKey',
    '/keylease.v1.PoolAdminService/ListKeys',
  ];
  expect(tells.filter((source) => !found.has(source))).toEqual([]);
});
