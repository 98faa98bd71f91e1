import type { Connection } from './connection.ts';
import {
  ACQUIRE_KEY,
  ACQUIRE_MESSAGE,
  acquireCalls,
  anthropicHeaders,
  LEASE_STREAM,
  leaseIdOf,
  REPORT_HEADERS,
  readReplies,
  reportMessage,
} from './messages.ts';

/** What a load saw: calls that were answered, how long it took, and each answer's time. */
interface Loaded {
  readonly calls: number;
  readonly elapsedMs: number;
  readonly latenciesMs: number[];
}

/** Does something for a while. */
export type Load = (connection: Connection, durationMs: number) => Promise<Loaded>;

/** Starts one call; `done` hears its answer, or null where it was refused. */
type Start = (connection: Connection, done: (message: Buffer | null) => void) => void;

/** A unary call with a message that is framed already. */
export function unaryCall(connection: Connection, path: string, framed: Buffer, done: (message: Buffer | null) => void): void {
  let answer: Buffer | null = null;
  const onMessage = (message: Buffer) => {
    answer = message;
  };
  connection.call(path, { onMessage, onEnd: () => done(answer) }).send(framed, true);
}

const acquire: Start = (connection, done) => unaryCall(connection, ACQUIRE_KEY, ACQUIRE_MESSAGE, done);

/** So many acquires under way, the next one whenever one is answered. */
export function acquires(underWay: number): Load {
  return closedLoop(underWay, () => acquire);
}

/** So many under way, each an acquire and then the report that settles it. */
export function pairs(underWay: number): Load {
  return closedLoop(underWay, () => {
    const headers = anthropicHeaders(Date.now());
    return (connection, done) =>
      acquire(connection, (granted) => {
        if (granted === null) done(null);
        else unaryCall(connection, REPORT_HEADERS, reportMessage(leaseIdOf(granted), headers), done);
      });
  });
}

function closedLoop(underWay: number, prepare: () => Start): Load {
  return (connection, durationMs) =>
    new Promise((resolve, reject) => {
      const start = prepare();
      const latenciesMs: number[] = [];
      const begin = performance.now();
      let open = underWay;
      const next = () => {
        const sent = performance.now();
        start(connection, (answer) => {
          const now = performance.now();
          if (answer === null) reject(new Error('a call was refused: nothing may be, while the cost of a grant is measured'));
          latenciesMs.push(now - sent);
          if (now - begin < durationMs && answer !== null) next();
          else if (--open === 0) resolve({ calls: latenciesMs.length, elapsedMs: now - begin, latenciesMs });
        });
      };
      for (let i = 0; i < underWay; i++) next();
    });
}

/** So many acquires under way on one LeaseStream, `perMessage` of them in each message sent. */
export function streamedAcquires(underWay: number, perMessage: number): Load {
  const groups = Array.from({ length: underWay / perMessage }, (_, group) =>
    Array.from({ length: perMessage }, (_, place) => 1 + group * perMessage + place),
  );
  const messages = groups.map(acquireCalls);
  return (connection, durationMs) =>
    new Promise((resolve, reject) => {
      const unanswered = groups.map(() => 0);
      const sentAt = groups.map(() => 0);
      const latenciesMs: number[] = [];
      const begin = performance.now();
      let open = groups.length;
      let calls = 0;
      const onReply = (id: number, isGranted: boolean) => {
        if (!isGranted) reject(new Error('a call was refused: nothing may be, while the cost of a grant is measured'));
        const group = Math.floor((id - 1) / perMessage);
        calls += 1;
        unanswered[group]! -= 1;
        if (unanswered[group] !== 0) return;
        const now = performance.now();
        latenciesMs.push(now - sentAt[group]!);
        if (now - begin < durationMs) send(group);
        else if (--open === 0) resolve({ calls, elapsedMs: now - begin, latenciesMs });
      };
      const stream = connection.call(LEASE_STREAM, {
        onMessage: (message) => readReplies(message, onReply),
        onEnd: () => reject(new Error('the stream ended before its calls were answered')),
      });
      const send = (group: number) => {
        unanswered[group] = perMessage;
        sentAt[group] = performance.now();
        stream.send(messages[group]!, false);
      };
      for (const group of groups.keys()) send(group);
    });
}
