import { type Layout, table } from '../table.ts';
import { number } from '../words.ts';
import type { StandInStats } from './stand-in-provider.ts';

/** What the provider counted in both phases, side by side. */
export function summary(roundRobin: StandInStats, leased: StandInStats, layout: Layout): string {
  const row = (title: string, value: (stats: StandInStats) => string) => ({ title, roundRobin: value(roundRobin), leased: value(leased) });
  const status = (code: number) => (stats: StandInStats) => number(stats.byStatus[code] ?? 0);
  const rows = [
    row('calls to the provider', (stats) => number(stats.calls)),
    row('answered', status(200)),
    row('met a 429', status(429)),
    row('met a 401, the key was revoked', status(401)),
    row('met a 529, the provider was overloaded', status(529)),
    row('of 100 calls, answered', (stats) => (stats.calls === 0 ? '-' : (((stats.byStatus[200] ?? 0) * 100) / stats.calls).toFixed(1))),
    row('tokens served', (stats) => number(stats.inputTokens + stats.outputTokens)),
  ];
  return table(
    [
      { title: 'as the provider counted', importance: 3, cell: (line) => line.title },
      { title: 'round robin', importance: 2, right: true, cell: (line) => line.roundRobin },
      { title: 'keylease', importance: 2, right: true, cell: (line) => line.leased },
    ],
    rows,
    layout,
  );
}
