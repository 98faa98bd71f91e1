import { expect, test } from 'vitest';
import { channelTarget } from '../../src/cli/address.ts';

test.each([
  ['127.0.0.1:50051', '127.0.0.1:50051'],
  ['keylease.internal:443', 'keylease.internal:443'],
  ['[::1]:50051', '[::1]:50051'],
  ['unix:/run/keylease.sock', 'unix:///run/keylease.sock'],
  ['unix:///run/keylease.sock', 'unix:///run/keylease.sock'],
])('%s is dialled as %s', (address, target) => {
  expect(channelTarget(address)).toEqual({ ok: true, target });
});

test.each(['localhost', '127.0.0.1:0', 'unix:', 'http://a:1', ''])('"%s" is no address of a server', (address) => {
  expect(channelTarget(address)).toMatchObject({ ok: false });
});
