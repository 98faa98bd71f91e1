import { number } from '../words.ts';
import { DEMO_KEYS } from './demo-config.ts';
import { askRoundRobin } from './round-robin.ts';
import type { Screen } from './screen.ts';
import type { Stage } from './stage.ts';
import type { StandInStats } from './stand-in-provider.ts';

const LINES = 3;
const PICTURE_MS = 250;

/** Plays the load by plain round robin, telling now and then what the provider counted. */
export async function roundRobinPhase(screen: Screen, { provider, phaseMs, play }: Stage): Promise<void> {
  const secrets = DEMO_KEYS.map((key) => key.secret);
  const timers = [
    setInterval(() => screen.picture(`        ${describe(provider.stats())}`), PICTURE_MS),
    setInterval(() => screen.event(describe(provider.stats())), phaseMs / LINES),
  ];
  try {
    await play(askRoundRobin(provider.url, secrets));
  } finally {
    for (const timer of timers) clearInterval(timer);
  }
  screen.event(describe(provider.stats()));
}

function describe({ calls, byStatus }: StandInStats): string {
  return `${number(calls)} calls: ${number(byStatus[200] ?? 0)} answered, ${number(byStatus[429] ?? 0)} met a 429`;
}
