import { generateKeyPairSync } from 'node:crypto';
import { inspect } from 'node:util';
import { beforeAll, describe, expect, test } from 'vitest';
import { privateKeyOf } from '../../src/config/tls-pair.ts';
import { tokenLineOf } from '../../src/config/token-file.ts';
import { type Issued, makeAuthority } from '../support/pki.ts';
import { minimal, mistakesOf, mustBeGood, parse } from './support.ts';

const HASH = 'ab'.repeat(32);
const LINE = tokenLineOf({ id: 'abcdefgh', sha256: HASH, holder: 'worker', createTime: 0, expireTime: null });
const RSA = { keys: [{ kty: 'RSA', n: 'AQAB', e: 'AQAB' }] };
const FILES: Record<string, string> = {
  'tokens.yaml': LINE,
  'jwks.json': JSON.stringify(RSA),
  'cut.pem': '-----BEGIN CERTIFICATE-----\nMIIB',
};
let [first, second]: Issued[] = [];

beforeAll(async () => {
  const authority = await makeAuthority();
  [first, second] = [await authority.issue(), await authority.issue()];
  Object.assign(FILES, { 'ca.pem': authority.pem, 'cert.pem': first.cert, 'key.pem': first.key, 'other.key': second.key });
});

const reading = (top: string) =>
  parse(minimal({ top }), {
    readFile: (path) => {
      const text = FILES[path.replace('/etc/keylease/', '')];
      return text === undefined ? { ok: false, problem: 'the file cannot be read: there is no such file' } : { ok: true, text };
    },
  });

const TLS = 'tls: { cert: cert.pem, key: key.pem, client_ca: ca.pem }';
const ACCESS = 'access: [{ holders: ["**"], verbs: [acquire] }]';
const TOKENS = 'auth: { tokens: { file: tokens.yaml } }';
const jwt = (more: string) => `auth: { jwt: { issuer: i, audience: a, ${more} } }\n${ACCESS}`;

describe('a mistake is told at its place', () => {
  test.each([
    ['auth without access', TOKENS, '1:7 auth: needs access: without a list of grants nobody may do anything'],
    ['access without auth', ACCESS, '1:9 access: needs auth: without it nobody knows who calls'],
    ['auth without a method', `auth: {}\n${ACCESS}`, '1:7 auth: expected at least one of mtls, tokens, jwt, unix'],
    [
      'mtls without authorities',
      `auth: { mtls: { trust_domain: a.test } }\n${ACCESS}`,
      '1:15 auth.mtls: needs tls.client_ca: the authorities whose client certificates are trusted',
    ],
    [
      'a holder of a socket that is not there',
      `auth: { unix: { holder: x } }\n${ACCESS}`,
      '1:15 auth.unix: needs an address unix:/path in listen',
    ],
    [
      'a holder that could pass for a SPIFFE id',
      `listen: unix:/a\nauth: { unix: { holder: "spiffe://a" } }\n${ACCESS}`,
      '2:25 auth.unix.holder: expected 1 to 128 letters, digits, dots, underscores, hyphens, slashes or @, and not `anonymous`',
    ],
    [
      'a holder anonymous',
      `listen: unix:/a\nauth: { unix: { holder: anonymous } }\n${ACCESS}`,
      '2:25 auth.unix.holder: expected 1 to 128 letters, digits, dots, underscores, hyphens, slashes or @, and not `anonymous`',
    ],
    [
      'a file of tokens that is not there',
      `auth: { tokens: { file: none } }\n${ACCESS}`,
      '1:25 auth.tokens.file: the file cannot be read: there is no such file',
    ],
    ['keys of a JWT from nowhere', jwt('algorithms: [ES256]'), '1:14 auth.jwt: expected either jwks_url or jwks_file'],
    [
      'keys over plain http',
      jwt('jwks_url: "http://idp.test/keys"'),
      '1:50 auth.jwt.jwks_url: expected an https URL, or http on a loopback address',
    ],
    [
      'keys from a host that only starts like loopback',
      jwt('jwks_url: "http://127.0.0.1.evil.test/keys"'),
      '1:50 auth.jwt.jwks_url: expected an https URL, or http on a loopback address',
    ],
    [
      'a symmetric algorithm',
      jwt('jwks_file: jwks.json, algorithms: [HS256]'),
      '1:75 auth.jwt.algorithms[0]: expected one of RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA, Ed25519',
    ],
    [
      'alg none',
      jwt('jwks_file: jwks.json, algorithms: [none]'),
      '1:75 auth.jwt.algorithms[0]: expected one of RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA, Ed25519',
    ],
    ['keys that are no set', jwt('jwks_file: tokens.yaml'), '1:51 auth.jwt.jwks_file: the file holds no JSON Web Key Set of public keys'],
    [
      'a certificate cut short',
      'tls: { cert: cut.pem, key: key.pem }',
      '1:14 tls.cert: the file holds no certificate in PEM, or only a part of it',
    ],
    ['the key of another certificate', 'tls: { cert: cert.pem, key: other.key }', '1:29 tls.key: the key is not that of the certificate'],
    [
      'a key cut short',
      'tls: { cert: cert.pem, key: cut.pem }',
      '1:29 tls.key: the file holds no private key in PEM that can be used without a passphrase, or only a part of it',
    ],
    [
      'authorities cut short',
      'tls: { cert: cert.pem, key: key.pem, client_ca: cut.pem }',
      '1:49 tls.client_ca: the file holds no certificates in PEM, or only a part of them',
    ],
    [
      'a client certificate that nobody can check',
      'tls: { cert: cert.pem, key: key.pem, require_client_cert: true }',
      '1:59 tls.require_client_cert: needs client_ca',
    ],
    [
      'a burst of nothing',
      `${TOKENS}\naccess: [{ holders: [a], verbs: [acquire], caps: { burst: 2 } }]`,
      '2:59 access[0].caps.burst: needs requests_per_second',
    ],
    [
      'an unknown verb',
      `${TOKENS}\naccess: [{ holders: [a], verbs: [lease] }]`,
      '2:34 access[0].verbs[0]: expected one of acquire, report, mark, admin',
    ],
    [
      'a pattern of many stars',
      `${TOKENS}\naccess: [{ holders: ["*a*a*a*a*"], verbs: [acquire] }]`,
      '2:22 access[0].holders[0]: expected 1 to 256 characters without white space, with at most four stars',
    ],
    ['a socket for whoever', 'socket_mode: "0777"', '1:14 socket_mode: expected one of 0600, 0660, 0666'],
    ['a socket mode as YAML reads 0o660', 'socket_mode: 432', '1:14 socket_mode: expected one of 0600, 0660, 0666'],
    [
      'an address for operators that others reach',
      'admin_listen: 0.0.0.0:1',
      '1:15 admin_listen: other machines can reach this address, and calls are only served there with tls and auth; `insecure: true` allows it all the same',
    ],
    [
      'an address that others reach, with TLS alone',
      `listen: 0.0.0.0:1\n${TLS}`,
      '1:9 listen: other machines can reach this address, and calls are only served there with tls and auth; `insecure: true` allows it all the same',
    ],
    [
      'an address that others reach, with auth alone',
      `listen: 0.0.0.0:1\n${TOKENS}\n${ACCESS}`,
      '1:9 listen: other machines can reach this address, and calls are only served there with tls and auth; `insecure: true` allows it all the same',
    ],
  ])('%s', (_, top, mistake) => {
    expect(mistakesOf(reading(top))).toEqual([mistake]);
  });
});

test('an address that others reach is served with TLS and auth, without a warning', () => {
  expect(mustBeGood(reading(`listen: 0.0.0.0:1\n${TLS}\n${TOKENS}\n${ACCESS}`)).warnings).toEqual([]);
});

test.each([
  ['not a list', 'tokens: 1', 'tokens.yaml:1:1: expected a list, found a mapping'],
  [
    'a token in the place of its hash',
    `${LINE}- { id: bbbbbbbb, hash: klt_bbbbbbbb_x, holder: a, created: "2026-01-01T00:00:00Z" }`,
    'tokens.yaml:2:25 [1].hash: expected 64 hex digits',
  ],
  ['the same id twice', LINE + LINE, 'tokens.yaml:2:9 [1].id: this id is there already'],
  [
    'a time without its zone',
    `- { id: bbbbbbbb, hash: ${HASH}, holder: a, created: "2026-01-01 00:00" }`,
    'tokens.yaml:1:111 [0].created: expected a time as in 2027-01-31T00:00:00Z',
  ],
  ['half a line', LINE + LINE.slice(0, 40), 'tokens.yaml:2:41: a comma, colon, bracket or quote is missing'],
])('a mistake in the file of tokens is told at its own line: %s', (_, text, mistake) => {
  FILES['bad.yaml'] = text;
  const read = reading(`auth: { tokens: { file: bad.yaml } }\n${ACCESS}`);
  const told = read.ok
    ? []
    : read.mistakes.map(
        ({ file, line, column, path, message }) =>
          `${file.replace('/etc/keylease/bad', 'tokens')}:${line}:${column}${path && ` ${path}`}: ${message}`,
      );
  expect(told).toContain(mistake);
});

test.each([
  ['a private key', { kty: 'RSA', n: 'AQAB', e: 'AQAB', d: 'AQAB' }],
  ['a shared secret', { kty: 'oct', k: 'AQAB' }],
])('a set of keys with %s is refused', (_, key) => {
  FILES['bad.json'] = JSON.stringify({ keys: [...RSA.keys, key] });
  expect(mistakesOf(reading(jwt('jwks_file: bad.json')))).toEqual([
    '1:51 auth.jwt.jwks_file: the file holds no JSON Web Key Set of public keys',
  ]);
});

test('an empty file of tokens has none, and comments may stand in it', () => {
  FILES['empty.yaml'] = '# nobody yet\n';
  expect(mustBeGood(reading(`auth: { tokens: { file: empty.yaml } }\n${ACCESS}`)).auth?.tokens).toEqual([]);
});

test('every way to print the configuration leaves the private key out', () => {
  const config = mustBeGood(reading(TLS));
  const body = privateKeyOf(config.tls!.files).split('\n')[1] as string;
  expect(body.length).toBeGreaterThan(40);
  for (const text of [JSON.stringify(config), inspect(config, { depth: null, showHidden: true }), String(config.tls!.files)])
    expect(text).not.toContain(body);
});

test('an encrypted private key is refused in words', () => {
  const { privateKey } = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' },
  });
  FILES['locked.key'] = privateKey;
  expect(mistakesOf(reading('tls: { cert: cert.pem, key: locked.key }'))[0]).toContain('without a passphrase');
});
