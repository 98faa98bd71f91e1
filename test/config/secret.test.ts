// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables as they stand in a configuration file
import { inspect } from 'node:util';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatMistake } from '../../src/config/mistake.ts';
import { revealSecret, Secret } from '../../src/config/secret.ts';
import { minimal, mistakesOf, mustBeGood, parse } from './support.ts';

const SECRET = new Secret('default', 'team-a', 'sk-hidden');
const NAME = '[secret default/team-a]';

test.each([
  ['as text', String(SECRET)],
  ['in a template', `${SECRET}`],
  ['joined to text', ['', SECRET].join('')],
  ['inspected', inspect(SECRET, { depth: 9, showHidden: true })],
  ['inspected within an object', inspect({ SECRET }).slice(10, -2)],
  ['as JSON', JSON.parse(JSON.stringify(SECRET))],
])('a secret shows its name alone %s', (_, shown) => {
  expect(shown).toBe(NAME);
});

test.each([
  ['inspected without its own way to show itself', inspect(SECRET, { customInspect: false, showHidden: true })],
  ['taken apart', JSON.stringify([Object.entries(SECRET), Reflect.ownKeys(SECRET), { ...SECRET }])],
])('a secret stays hidden %s', (_, shown) => {
  expect(shown).not.toContain('hidden');
});

test('a secret is revealed on purpose only', () => {
  expect(revealSecret(SECRET)).toBe('sk-hidden');
});

test.each([
  ['text', 'sk-1', 'sk-1'],
  ['digits in quotes', "'0123'", '0123'],
  ['a variable of digits', '${DIGITS}', '0123'],
  ['the name of a variable', '{ env: REFERENCE }', '${DIGITS}'],
  ['a file beside the configuration', '{ file: keys/a }', 'from /etc/keylease/keys/a'],
  ['a file anywhere', '{ file: /run/a }', 'from /run/a'],
])('a secret may come from %s', (_, secret, expected) => {
  const env = { DIGITS: '0123', REFERENCE: '${DIGITS}' };
  const readFile = (path: string) => ({ ok: true as const, text: `from ${path}\r\n`.replace(' ', '_') });
  const [key] = mustBeGood(parse(minimal({ secret }), { env, readFile })).pools[0]!.keys;
  expect(revealSecret(key!.secret)).toBe(expected.replace(' ', '_'));
});

test('a secret has at most 16 KiB, wherever it comes from', () => {
  const from = (S: string) => mistakesOf(parse(minimal({ secret: '{ env: S }' }), { env: { S } }));
  expect(from('x'.repeat(16 * 1024))).toEqual([]);
  expect(from('x'.repeat(16 * 1024 + 1))).toEqual(['8:24 pools[0].keys[0].secret.env: the secret is longer than 16 KiB']);
});

const secretText = fc.stringMatching(/^sk-[A-Za-z0-9]{16,40}[A-Z0-9]$/);

test('no print of a configuration contains a secret', () => {
  fc.assert(
    fc.property(secretText, (secret) => {
      const config = mustBeGood(parse(minimal({ secret })));
      expect(revealSecret(config.pools[0]!.keys[0]!.secret)).toBe(secret);
      const printed = JSON.stringify(config) + inspect(config, { depth: 9, showHidden: true }) + String(config.pools[0]!.keys[0]!.secret);
      expect(printed).not.toContain(secret);
      expect(printed).toContain('[secret default/a]');
    }),
  );
});

/** Ways to write a secret wrongly, or in a wrong place. */
const WRONG_WAYS: ((secret: string) => string)[] = [
  (secret) => minimal({ secret: `"${secret} ${secret}"` }),
  (secret) => minimal({ secret: `@${secret}` }),
  (secret) => minimal({ secret: `*${secret}` }),
  (secret) => minimal({ secret: `!${secret} x` }),
  (secret) => minimal({ secret: `}${secret}` }),
  (secret) => minimal({ secret: `"\\q${secret}"` }),
  (secret) => minimal({ secret: `"${secret}` }),
  (secret) => minimal({ secret: `[${secret}]` }),
  (secret) => minimal({ secret: `{ ${secret}: }` }),
  (secret) => minimal({ secret: `{ env: ${secret} }` }),
  (secret) => minimal({ secret: `{ file: ${secret} }` }),
  (secret) => minimal({ secret: `\${${secret}}` }),
  (secret) => minimal({ key: `${secret}: x` }),
  (secret) => minimal({ key: `${secret}` }),
  (secret) => minimal({ key: `weight: ${secret}` }),
  (secret) => minimal({ key: `limit_group: /${secret}` }),
  (secret) => minimal({ key: `limits: { ${secret}: \${NOT_SET} }` }),
  (secret) => minimal({ pool: `strategy: ${secret}1` }),
  (secret) => minimal({ pool: `lease: { ttl: ${secret} }` }),
  (secret) => minimal({ top: `listen: ${secret}` }),
  (secret) => minimal({ top: `log: { level: ${secret}1 }` }),
  (secret) => minimal({ secret, pool: `keys: [{ id: b, secret: ${secret} }, { id: c, secret: ${secret} }]` }),
  (secret) => `${minimal({ secret })}\n      - { id: b, secret: ${secret} }`,
];

test.each(WRONG_WAYS.map((write) => [write('SECRET').replaceAll(/\s+/g, ' '), write] as const))(
  'no mistake contains a secret: %s',
  (_, write) => {
    fc.assert(
      fc.property(secretText, (secret) => {
        const mistakes = mistakesOf(parse(write(secret)));
        expect(mistakes.length).toBeGreaterThan(0);
        expect(mistakes.join('\n')).not.toContain(secret);
        expect(mistakes.join('\n')).not.toContain(secret.slice(3));
      }),
      { numRuns: 20 },
    );
  },
);

test('a mistake is told without the value of the variable it comes from', () => {
  const reading = parse(minimal({ secret: '${S}', key: 'weight: ${S}' }), { env: { S: 'sk two' } });
  expect(mistakesOf(reading)).toHaveLength(2);
  expect(reading.ok ? '' : reading.mistakes.map(formatMistake).join()).not.toContain('sk two');
});
