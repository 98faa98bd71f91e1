import { expect, test } from 'vitest';
import { protoJson } from '../../src/cli/proto-json.ts';

test.each([
  { duration: {}, text: '0s' },
  { duration: { seconds: 60 }, text: '60s' },
  { duration: { seconds: 1, nanos: 500_000_000 }, text: '1.500s' },
  { duration: { nanos: 1_000 }, text: '0.000001s' },
  { duration: { seconds: 3, nanos: 7 }, text: '3.000000007s' },
])('a duration is printed as proto3 says: $text', ({ duration, text }) => {
  expect(protoJson({ keys: [{ limits: [{ window: duration, limit: 5 }] }] })).toEqual({ keys: [{ limits: [{ window: text, limit: 5 }] }] });
});

test('everything else stays as it is', () => {
  const message = { keys: [], note: 'x', headers: {}, nothing: null, flag: true };
  expect(protoJson(message)).toEqual(message);
});
