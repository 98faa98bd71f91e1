/** Lets every provider read random answers, a million unless told otherwise, and prints how many a second. Fails on the first that is not sane. */
import { parseArgs } from 'node:util';
import { providerNames } from '../src/provider/index.ts';
import { chance, randomAnswer } from '../test/provider/random-answer.ts';
import { isSane, readAll } from '../test/provider/sane.ts';

const { values } = parseArgs({
  options: { count: { type: 'string', default: '1000000' }, seed: { type: 'string', default: String(Date.now() % 2 ** 31) } },
});
const count = Number(values.count);
const random = chance(Number(values.seed));
const started = performance.now();

for (let i = 0; i < count; i += 1) {
  const name = providerNames[i % providerNames.length]!;
  const answer = randomAnswer(name, random);
  const problem = problemWith(name, answer);
  if (problem !== null) {
    process.stderr.write(
      `${name}, seed ${values.seed}, answer ${i}: ${problem}\n${JSON.stringify({ ...answer, headers: [...answer.headers] })}\n`,
    );
    process.exit(1);
  }
}

const seconds = (performance.now() - started) / 1000;
process.stdout.write(`${count} answers in ${seconds.toFixed(1)} s, ${Math.round(count / seconds)} a second, seed ${values.seed}\n`);

function problemWith(name: string, answer: ReturnType<typeof randomAnswer>): string | null {
  try {
    return isSane(readAll(name, answer)) ? null : 'a number is not sane';
  } catch (fault) {
    return String(fault);
  }
}
