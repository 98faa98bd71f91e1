import { once } from 'node:events';
import { FLAG, FRAME, frame, grpcMessage, PREFACE, settingsFrame } from '../../../bench/load/frames.ts';
import { type Attack, type Budget, hasTime, randomBytes, seeded, type Target } from '../attack.ts';
import { ACQUIRE } from '../paths.ts';
import { headersFrame } from '../raw-http2.ts';

const AT_ONCE = 20;

/** Sends each of `count` inputs on a connection of its own, twenty at a time, and hangs up. */
async function hurl(target: Target, budget: Budget, count: number, make: (n: number) => Buffer): Promise<string> {
  let sent = 0;
  const one = async (n: number) => {
    const connection = await target.connect();
    await connection.send(make(n));
    connection.socket.end();
    await Promise.race([
      connection.closed,
      once(connection.socket, 'end').catch(() => {}),
      new Promise((resolve) => setTimeout(resolve, 100)),
    ]);
    connection.close();
    sent += 1;
  };
  while (sent < count && hasTime(budget)) {
    const from = sent;
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, count - from) }, (_, n) => one(from + n)));
  }
  return `${sent} connections`;
}

/** A conversation that is right from the first byte to the last. */
const GOOD = Buffer.concat([
  PREFACE,
  settingsFrame([[3, 100]]),
  frame(FRAME.settings, FLAG.ack, 0, Buffer.alloc(0)),
  headersFrame(1, ACQUIRE),
  frame(FRAME.data, FLAG.endStream, 1, grpcMessage(Buffer.from('0a0764656661756c74', 'hex'))),
  frame(FRAME.ping, 0, 0, Buffer.alloc(8)),
]);

export const truncatedFrames: Attack = {
  name: 'truncated frames',
  count: GOOD.length * 3,
  run: (target, budget, count) => hurl(target, budget, count, (n) => GOOD.subarray(0, n % GOOD.length)),
};

/** CVE-2025-59465 is one of these over TLS. */
export const fuzzedFrames: Attack = {
  name: 'fuzzed frames',
  count: 6_000,
  run(target, budget, count) {
    const random = seeded(16);
    const draw = (below: number) => Math.floor(random() * below);
    const mutated = () => {
      const bytes = Buffer.from(GOOD);
      for (let changes = 1 + draw(8); changes > 0; changes -= 1) bytes[PREFACE.length + draw(bytes.length - PREFACE.length)] = draw(256);
      return bytes;
    };
    const invented = () => {
      const frames = Array.from({ length: 1 + draw(6) }, () => frame(draw(12), draw(256), draw(6), randomBytes(random, draw(300))));
      return Buffer.concat([PREFACE, settingsFrame([]), ...frames]);
    };
    return hurl(target, budget, count, (n) => (n % 2 === 0 ? mutated() : invented()));
  },
};

const HTTP1 = [
  'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n',
  'POST /keylease.v1.KeyLeaseService/AcquireKey HTTP/1.1\r\nHost: localhost\r\nContent-Length: 999999999999\r\n\r\nabc',
  'POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\nffffffffffffffff\r\n',
  'GET / HTTP/1.1\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n',
  `GET /${'a'.repeat(100_000)} HTTP/1.1\r\n`,
  `GET / HTTP/1.1\r\n${'X-Header: value\r\n'.repeat(10_000)}`,
  'PRI * HTTP/2.0\r\n\r\nNO\r\n\r\n',
  '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
  '\r\n'.repeat(10_000),
];

export const http1Garbage: Attack = {
  name: 'HTTP/1.1 and noise',
  count: 2_000,
  run(target, budget, count) {
    const random = seeded(11);
    return hurl(target, budget, count, (n) => {
      const text = HTTP1[n % (HTTP1.length + 1)];
      return text === undefined ? randomBytes(random, 1 + Math.floor(random() * 5_000)) : Buffer.from(text, 'latin1');
    });
  },
};
