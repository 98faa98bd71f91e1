import { Command, InvalidArgumentError } from 'commander';
import { runDemo, type StartApp } from '../demo/demo.ts';
import type { Io } from '../io.ts';
import { countOption } from '../options.ts';

interface Options {
  readonly seconds: number;
  readonly seed: number;
}

/** `keylease demo`: a stand-in provider, a server and clients on this machine, with and without keylease. */
export function demoVerb(io: Io, startApp: StartApp): Command {
  return new Command('demo')
    .description('show on this machine what keylease does, against a stand-in for a provider')
    .option('--seconds <count>', 'how long it takes', secondsOption, 20)
    .option('--seed <number>', 'of the load: the same seed, the same requests', countOption, 1)
    .action(({ seconds, seed }: Options) => runDemo(io, startApp, { seconds, seed }));
}

function secondsOption(text: string): number {
  const seconds = countOption(text);
  if (seconds < 2 || seconds > 600) throw new InvalidArgumentError('Write a number from 2 to 600.');
  return seconds;
}
