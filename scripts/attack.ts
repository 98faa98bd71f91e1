/** Attacks a server on the loopback in every way that `test/attack/` knows and prints what a client that behaves well met. */
import { parseArgs } from 'node:util';
import { attacks } from '../test/attack/attacks/index.ts';
import { plaintextServer, tlsServer } from '../test/attack/server.ts';
import { besiege, type Outcome } from '../test/attack/siege.ts';

const { values } = parseArgs({
  options: {
    only: { type: 'string', multiple: true, default: [] },
    tls: { type: 'boolean', default: false },
    share: { type: 'string', default: '1' },
    seconds: { type: 'string', default: '8' },
  },
});
const chosen = attacks.filter(({ name }) => values.only.length === 0 || values.only.some((part) => name.includes(part)));
const outcomes: Outcome[] = [];

print([
  'attack',
  'crashes',
  'calls beside',
  'wrong',
  'p99 ms before',
  'during',
  '÷',
  'RSS MiB before',
  'peak',
  'after',
  'works after',
  'did',
]);
print(Array(12).fill('---'));
const lengths = { share: Number(values.share), attackMs: Number(values.seconds) * 1_000, quietMs: 1_500, isFresh: true };
await besiege(values.tls ? tlsServer : plaintextServer, chosen, lengths, (outcome) => {
  outcomes.push(outcome);
  const { name, crash, calls, wrong, p99Before, p99During, memory, worksAfter, did } = outcome;
  const times = [p99Before.toFixed(1), p99During.toFixed(1), (p99During / p99Before).toFixed(1)];
  const bytes = [memory.before, memory.peak, memory.after].map((mebibytes) => mebibytes.toFixed(0));
  print([name, crash === '' ? '0' : '1', String(calls), String(wrong.length), ...times, ...bytes, worksAfter ? 'yes' : 'NO', did]);
  for (const text of new Set(crash === '' ? wrong : [crash, ...wrong])) process.stderr.write(`${name}: ${text}\n`);
});
process.exitCode = outcomes.every(({ crash, wrong, worksAfter }) => crash === '' && wrong.length === 0 && worksAfter) ? 0 : 1;

function print(cells: readonly string[]): void {
  process.stdout.write(`| ${cells.join(' | ')} |\n`);
}
