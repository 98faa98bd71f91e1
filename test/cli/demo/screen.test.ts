import { expect, test } from 'vitest';
import { createScreen } from '../../../src/cli/demo/screen.ts';
import { captureIo } from '../run-cli.ts';

test('without a terminal only the lines that stay are written', () => {
  const { io, written } = captureIo();
  const screen = createScreen(io);
  screen.picture('a picture');
  screen.line('a line');
  expect(written.out).toBe('a line\n');
});

test('on a terminal a picture is erased before whatever comes next', () => {
  const { io, written } = captureIo({ isTerminal: true });
  const screen = createScreen(io);
  screen.picture('one\ntwo');
  screen.line('a line');
  screen.line('another');
  expect(written.out).toBe('one\ntwo\n\x1b[2A\x1b[Ja line\nanother\n');
});

test('an event carries the seconds since the phase began', () => {
  const clock = { now: 0 };
  const { io, written } = captureIo({ now: () => clock.now });
  const screen = createScreen(io);
  clock.now = 5_000;
  screen.restart();
  clock.now = 6_250;
  screen.event('happened');
  expect(written.out).toBe('   1.3s  happened\n');
});
