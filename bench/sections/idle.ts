import { Connection } from '../load/connection.ts';
import { LEASE_STREAM, releaseCall } from '../load/messages.ts';
import type { Stage } from '../stage.ts';

/** What idle streams cost a server. */
export interface Idle {
  readonly streams: number;
  readonly rssBytesBefore: number;
  readonly rssBytes: number;
}

const STREAMS_PER_CONNECTION = 500;
const SETTLING_MS = 1_500;

/** Opens streams on a fresh server, makes one call on each that leaves nothing behind, and sees what memory they hold once nothing happens on them. */
export async function measureIdle(stage: Stage, streams: number): Promise<Idle | { readonly missing: string }> {
  const subject = await stage.fresh();
  if (!(await stage.servesStream(subject))) return { missing: 'not served by this version' };
  const rssBytesBefore = (await subject.usage()).rssBytes;
  const connections: Connection[] = [];
  for (let opened = 0; opened < streams; opened += STREAMS_PER_CONNECTION) {
    const connection = await Connection.open(subject.address);
    connections.push(connection);
    await Promise.all(Array.from({ length: Math.min(STREAMS_PER_CONNECTION, streams - opened) }, () => openStream(connection)));
  }
  await subject.release();
  await new Promise((resolve) => setTimeout(resolve, SETTLING_MS));
  const { rssBytes } = await subject.usage();
  for (const connection of connections) connection.close();
  return { streams, rssBytesBefore, rssBytes };
}

const ONE_CALL = releaseCall(1, 'a lease that there is not');

/** Resolves once the first call on the stream is answered, so that the stream surely is open. */
function openStream(connection: Connection): Promise<void> {
  return new Promise((resolve, reject) => {
    const onEnd = () => reject(new Error('the server has ended an idle stream'));
    connection.call(LEASE_STREAM, { onMessage: () => resolve(), onEnd }).send(ONE_CALL, false);
  });
}
