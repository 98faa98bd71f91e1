import { type Io, wantsColour } from '../io.ts';
import type { Layout } from '../table.ts';
import { counted, number } from '../words.ts';
import { DEMO_KEYS } from './demo-config.ts';
import { leasedPhase, type StartApp } from './leased-phase.ts';
import { roundRobinPhase } from './round-robin-phase.ts';
import { createScreen } from './screen.ts';
import { CLIENTS, LIMITS, onStage } from './stage.ts';
import { summary } from './summary.ts';

export type { StartApp } from './leased-phase.ts';

export interface DemoOptions {
  readonly seconds: number;
  readonly seed: number;
}

/** Runs the same load against the same stand-in provider twice, by plain round robin and through keylease, and tells what happened. */
export async function runDemo(io: Io, startApp: StartApp, { seconds, seed }: DemoOptions): Promise<void> {
  const screen = createScreen(io);
  const phaseMs = (seconds * 1_000) / 2;
  const layout: Layout = { width: io.isTerminal ? io.columns : null, colour: wantsColour(io) };
  const { requests, inputTokens, outputTokens } = LIMITS;
  screen.line(
    `${counted(DEMO_KEYS.length, 'key')}, ${counted(CLIENTS, 'client')}, and more load than the keys can take. The provider is a stand-in`,
  );
  screen.line(`on this machine. Each organization may use ${number(requests)} requests, ${number(inputTokens)} input and`);
  screen.line(`${number(outputTokens)} output tokens a minute, with all of its keys together.`);

  screen.line();
  screen.line('1. Plain round robin: each key in turn, the next one after a refusal');
  const roundRobin = await onStage(screen, phaseMs, seed, (stage) => roundRobinPhase(screen, stage));

  screen.line();
  screen.line('2. The same load through keylease: lease a key, call, report');
  const leased = await onStage(screen, phaseMs, seed, (stage) => leasedPhase(io, screen, layout, startApp, stage));

  screen.line();
  screen.line(summary(roundRobin, leased, layout));
  screen.line();
  screen.line('next: keylease serve --config FILE');
}
