import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { LeaseClaims } from '../../src/pool/acquire.ts';
import { LeaseIds } from '../../src/service/lease-id.ts';

const IDS = new LeaseIds(Buffer.alloc(32, 1));
const CLAIMS: LeaseClaims = {
  pool: 'default',
  keyId: 'a',
  group: 'org',
  modelClass: 'sonnet',
  holder: 'anonymous',
  secretVersion: 3,
  acquireTime: 1_800_000_000_000,
  expireTime: 1_800_000_060_000,
  requests: 2,
};

test('an id tells all that was claimed, and holds nothing', () => {
  const id = IDS.mint(CLAIMS);
  expect(IDS.read(id)).toEqual({
    ...CLAIMS,
    id,
    requestsReported: 0,
    held: { requests: 0, inputTokens: 0, outputTokens: 0 },
    sentTime: null,
    answerTime: null,
    requestId: '',
  });
});

test('an id with any one bit flipped is nobody’s', () => {
  const id = IDS.mint(CLAIMS);
  const bytes = Buffer.from(id.slice(3), 'base64url');
  const read = Array.from({ length: bytes.length * 8 }, (_, bit) => {
    const flipped = Buffer.from(bytes);
    flipped[bit >> 3]! ^= 1 << (bit & 7);
    return IDS.read(`kl_${flipped.toString('base64url')}`);
  });
  expect(read.length).toBeGreaterThan(800);
  expect(read.filter((lease) => lease !== undefined)).toEqual([]);
});

test('an id with any one character changed is nobody’s, so each lease has one id', () => {
  const id = IDS.mint(CLAIMS);
  const changed = [...id].flatMap((character, at) =>
    ['A', 'B', '-', '_', '=', ' ', 'é'].filter((other) => other !== character).map((other) => id.slice(0, at) + other + id.slice(at + 1)),
  );
  expect(changed.filter((other) => IDS.read(other) !== undefined)).toEqual([]);
});

test.each([
  ['nothing', () => ''],
  ['the prefix alone', () => 'kl_'],
  ['an id without its prefix', (id: string) => id.slice(3)],
  ['an id cut short', (id: string) => id.slice(0, -1)],
  ['an id made longer', (id: string) => `${id}A`],
  ['an id padded', (id: string) => `${id}=`],
  ['an id of endless length', (id: string) => id + 'A'.repeat(100_000)],
])('%s is nobody’s', (_, change) => {
  expect(IDS.read(change(IDS.mint(CLAIMS)))).toBeUndefined();
});

test('the id of another installation is nobody’s', () => {
  expect(new LeaseIds(Buffer.alloc(32, 2)).read(IDS.mint(CLAIMS))).toBeUndefined();
});

test('no text is somebody’s id by chance', () => {
  fc.assert(
    fc.property(fc.string(), fc.uint8Array({ minLength: 30, maxLength: 200 }), (text, bytes) => {
      expect(IDS.read(`kl_${text}`)).toBeUndefined();
      expect(IDS.read(`kl_${Buffer.from(bytes).toString('base64url')}`)).toBeUndefined();
    }),
  );
});

test('ids of one and the same claim all differ, in 128 random bits', () => {
  const ids = Array.from({ length: 2_000 }, () => IDS.mint(CLAIMS));
  expect(new Set(ids).size).toBe(ids.length);
  const random = ids.map((id) => Buffer.from(id.slice(3), 'base64url').subarray(-32, -16));
  const ones = Array.from({ length: 128 }, (_, bit) => random.filter((bytes) => bytes[bit >> 3]! & (1 << (bit & 7))).length);
  expect(ones.filter((count) => count < 800 || count > 1_200)).toEqual([]);
});

test('names of any kind survive', () => {
  const name = fc.string({ unit: 'grapheme', maxLength: 40 });
  fc.assert(
    fc.property(name, name, name, name, (pool, keyId, holder, modelClass) => {
      const claims = { ...CLAIMS, pool, keyId, holder, modelClass };
      expect(IDS.read(IDS.mint(claims))).toMatchObject(claims);
    }),
  );
});
