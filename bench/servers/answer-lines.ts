import { createInterface } from 'node:readline';

/** What a server tells about itself between two loads. */
export interface Usage {
  readonly cpuMicros: number;
  readonly rssBytes: number;
}

type Commands = Readonly<Record<string, () => object | Promise<object>>>;

/**
 * The conversation of a measured server with the bench: it says where it listens, then answers each word on its standard input
 * with one line of JSON, and ends with its input, so that it never outlives the bench.
 */
export async function answerLines(address: string, commands: Commands, stop: () => Promise<void>): Promise<void> {
  const say = (answer: object) => void process.stdout.write(`${JSON.stringify(answer)}\n`);
  const all: Commands = { usage, ...commands };
  say({ address });
  for await (const word of createInterface({ input: process.stdin })) say((await all[word]?.()) ?? { unknown: word });
  await stop();
  process.exit();
}

function usage(): Usage {
  const { user, system } = process.cpuUsage();
  return { cpuMicros: user + system, rssBytes: process.memoryUsage.rss() };
}
