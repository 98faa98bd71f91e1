// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables as they stand in a configuration file
import { expect, test } from 'vitest';
import { defaultLimits } from '../../src/config/schema-limits.ts';
import { revealSecret } from '../../src/config/secret.ts';
import { minimal, mistakesOf, mustBeGood, parse } from './support.ts';

const poolOf = (text: string, env = {}) => mustBeGood(parse(text, { env })).pools[0]!;
const keyOf = (text: string, env = {}) => poolOf(text, env).keys[0]!;

test('what is left out has its default', () => {
  const { pools, ...rest } = mustBeGood(parse(minimal()));
  expect(rest).toEqual({
    listen: [{ kind: 'tcp', host: '127.0.0.1', port: 50051 }],
    ops: { host: '127.0.0.1', port: 9464, token: null },
    ...{ adminListen: null, socketMode: 0o600, tls: null, auth: null, access: [], files: new Map() },
    limits: defaultLimits,
    store: { kind: 'file', path: './data' },
    audit: null,
    drainTimeoutMs: 10_000,
    logLevel: 'info',
    logCalls: 'failed',
    otlp: null,
    warnings: [],
  });
  const { keys, ...pool } = pools[0]!;
  expect(pool).toEqual({
    id: 'default',
    provider: 'anthropic',
    strategy: 'least_loaded',
    leaseTtlMs: 60_000,
    leaseTtlMaxMs: 900_000,
    waitMaxMs: 30_000,
    waitersMax: 1000,
    waitersPerHolderMax: 1000,
    unhealthyAfter: 1,
    baseUrl: null,
    modelClasses: null,
  });
  const { secret, ...key } = keys[0]!;
  expect(key).toEqual({ id: 'a', order: 0, limitGroup: null, weight: 1, priority: 0, leasesMax: 100, limits: [] });
  expect(revealSecret(secret)).toBe('sk-minimal');
});

test('every key of the file is understood', () => {
  const text = `
listen: 127.0.0.1:50051
ops: { listen: 127.0.0.1:9464 }
store: { kind: file, path: ./data }
drain_timeout: 20s
log: { level: debug }
pools:
  - id: default
    provider: anthropic
    strategy: round_robin
    lease: { ttl: 90s, max_ttl: 20m }
    waiting: { max_wait: 40s, max_waiters: 2000 }
    unhealthy_after: 2
    model_classes: [{ id: sonnet, models: ["claude-sonnet-*"] }]
    keys:
      - id: team-a
        secret: \${ANTHROPIC_KEY_A}
        limit_group: org-1
        weight: 3
        priority: 1
        max_leases: 7
        limits: { requests: 50, input_tokens: 30000, output_tokens: 8000, tokens: 1000 }
`;
  const { pools, ...rest } = mustBeGood(parse(text, { env: { ANTHROPIC_KEY_A: 'sk-a' } }));
  expect(rest).toMatchObject({ drainTimeoutMs: 20_000, logLevel: 'debug', store: { kind: 'file', path: './data' } });
  expect(pools[0]).toMatchObject({
    strategy: 'round_robin',
    leaseTtlMs: 90_000,
    leaseTtlMaxMs: 1_200_000,
    waitMaxMs: 40_000,
    waitersMax: 2000,
    waitersPerHolderMax: 2000,
    unhealthyAfter: 2,
    modelClasses: [{ id: 'sonnet', models: ['claude-sonnet-*'] }],
  });
  expect(pools[0]!.keys[0]).toMatchObject({
    id: 'team-a',
    limitGroup: 'org-1',
    weight: 3,
    priority: 1,
    leasesMax: 7,
    limits: [
      { dimension: 'requests', limit: 50, windowMs: 60_000 },
      { dimension: 'input_tokens', limit: 30_000, windowMs: 60_000 },
      { dimension: 'output_tokens', limit: 8000, windowMs: 60_000 },
      { dimension: 'tokens', limit: 1000, windowMs: 60_000 },
    ],
  });
});

test.each([
  ['an empty text', "strategy: ''"],
  ['nothing', 'strategy:'],
])('a strategy that is %s is the default one', (_, pool) => {
  expect(poolOf(minimal({ pool })).strategy).toBe('least_loaded');
});

test.each([
  ['a number', '50', [[50, 60_000]]],
  ['limit and window', '{ limit: 5, window: 1h }', [[5, 3_600_000]]],
  ['a limit without its window', '{ limit: 5 }', [[5, 60_000]]],
  ['a list for several windows', '[50, { limit: 9, window: 31d }]', [[50, 60_000], [9, 2_678_400_000]]], // biome-ignore format: one row
])('a limit may be %s', (_, limit, expected) => {
  const limits = keyOf(minimal({ key: `limits: { requests: ${limit} }` })).limits;
  expect(limits).toEqual(expected.map(([limit, windowMs]) => ({ dimension: 'requests', limit, windowMs })));
});

test('listen may be a list', () => {
  const { listen } = mustBeGood(parse(minimal({ top: 'listen: [localhost:1, "[::1]:1", unix:/a.sock]' })));
  expect(listen.map(({ kind }) => kind)).toEqual(['tcp', 'tcp', 'unix']);
});

test('false turns the operations page off', () => {
  expect(mustBeGood(parse(minimal({ top: 'ops: false' }))).ops).toBeNull();
});

test('a store of kind memory has no path', () => {
  expect(mustBeGood(parse(minimal({ top: 'store: { kind: memory }' }))).store).toEqual({ kind: 'memory' });
});

test.each([
  ['true', {}],
  ['${INSECURE}', { INSECURE: 'true' }],
])('insecure: %s allows every address, with a warning for each that others reach', (flag, env) => {
  const top = `insecure: ${flag}\nlisten: [0.0.0.0:1, localhost:2]\nops: { listen: '[::]:3' }`;
  expect(mustBeGood(parse(minimal({ top }), { env })).warnings).toEqual([
    'insecure: whoever reaches 0.0.0.0:1 is served without authentication and TLS',
    'insecure: whoever reaches [::]:3 is served without authentication',
  ]);
});

test('port 0 may stand more than once', () => {
  expect(mistakesOf(parse(minimal({ top: 'listen: [localhost:0, localhost:0]' })))).toEqual([]);
});

test('the same secret is allowed with another provider', () => {
  const other = '  - { id: other, provider: openai, keys: [{ id: a, secret: sk-minimal }] }';
  expect(mistakesOf(parse(`${minimal()}\n${other}`))).toEqual([]);
});

test('an anchor may be used again, and a mistake in it is told where it stands', () => {
  const again = (ttl: string) => `${minimal({ pool: `lease: &l { ttl: ${ttl} }` })}
  - { id: other, provider: openai, lease: *l, keys: [{ id: a, secret: b }] }`;
  expect(mustBeGood(parse(again('5s'))).pools.map(({ leaseTtlMs }) => leaseTtlMs)).toEqual([5000, 5000]);
  expect(mistakesOf(parse(again('5')))).toEqual([
    expect.stringContaining('5:22 pools[0].lease.ttl: a number alone'),
    expect.stringContaining('5:22 pools[1].lease.ttl: a number alone'),
  ]);
});

test('a %YAML directive does not bring merge keys back', () => {
  const mistakes = mistakesOf(parse(`%YAML 1.1\n---\n${minimal({ pool: '<<: { strategy: random }' })}`));
  expect(mistakes).toEqual([expect.stringContaining('unknown key')]);
});
