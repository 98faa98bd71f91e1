import { gzipSync } from 'node:zlib';
import { FLAG, FRAME, frame, grpcMessage, headerBlock } from '../../../bench/load/frames.ts';
import { type Attack, type Budget, hasTime, randomBytes, seeded, type Target } from '../attack.ts';
import { ACQUIRE, UNARY_METHODS } from '../paths.ts';
import { headersFrame, literal } from '../raw-http2.ts';

const BATCH = 50;
const FRAME_BYTES_MAX = 16_384;

/** Makes whole calls, fifty at a time, and waits for their answers; a connection that the server ends is followed by another. */
async function callAway(target: Target, budget: Budget, count: number, make: (id: number, n: number) => Buffer): Promise<string> {
  let connection = (await target.connect()).begin();
  let connections = 1;
  let sent = 0;
  let answers = 0;
  for (let id = 1; sent < count && hasTime(budget); ) {
    const size = Math.min(BATCH, count - sent);
    const wanted = connection.answers + connection.resets + size;
    const from = sent;
    const firstId = id;
    sent += size;
    id += 2 * size;
    await connection.send(...Array.from({ length: size }, (_, n) => make(firstId + 2 * n, from + n)));
    const patience = performance.now() + 1_000;
    while (connection.isOpen && connection.answers + connection.resets < wanted && hasTime(budget) && performance.now() < patience) {
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    if (connection.isOpen && connection.goAway === null) continue;
    answers += connection.answers;
    connection.close();
    connection = (await target.connect()).begin();
    connections += 1;
    id = 1;
  }
  answers += connection.answers;
  connection.close();
  return `${sent} calls, ${connections} connections, ${answers} answered`;
}

/** A message in as many frames as it needs. */
function dataFrames(id: number, bytes: Buffer): Buffer {
  const frames: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += FRAME_BYTES_MAX) {
    const isLast = at + FRAME_BYTES_MAX >= bytes.length;
    frames.push(frame(FRAME.data, isLast ? FLAG.endStream : 0, id, bytes.subarray(at, at + FRAME_BYTES_MAX)));
  }
  return Buffer.concat(frames);
}

/** CVE-2024-37168: 60 MB of nothing in 58 KB. */
export const gzipBomb: Attack = {
  name: 'gzip bomb',
  count: 400,
  run(target, budget, count) {
    const bomb = grpcMessage(gzipSync(Buffer.alloc(60_000_000)));
    bomb[0] = 1;
    const encoding = literal('grpc-encoding', 'gzip');
    // One at a time stays within the window that the server opens for a connection.
    const small = Math.min(count, 400);
    return callAway(target, budget, small, (id) => Buffer.concat([headersFrame(id, ACQUIRE, { more: [encoding] }), dataFrames(id, bomb)]));
  },
};

/** Messages of 5 MB, and such as say they were of 4 GB. */
export const largeMessages: Attack = {
  name: 'large messages',
  count: 500,
  run(target, budget, count) {
    const claimed = Buffer.from([0, 255, 255, 255, 255, 1, 2, 3]);
    const large = grpcMessage(Buffer.alloc(300_000));
    return callAway(target, budget, count, (id, n) =>
      Buffer.concat([headersFrame(id, ACQUIRE), dataFrames(id, n % 2 === 0 ? claimed : large)]),
    );
  },
};

/** 200 KB that Node refuses, 60 KB that only keylease does, and 120 names. */
export const largeMetadata: Attack = {
  name: 'large metadata',
  count: 3_000,
  run(target, budget, count) {
    const padding = (name: string, bytes: number) => literal(name, 'p'.repeat(bytes));
    const sets = [
      Array.from({ length: 20 }, (_, n) => padding(`x-${n}`, 10_000)),
      Array.from({ length: 6 }, (_, n) => padding(`x-${n}`, 10_000)),
      Array.from({ length: 110 }, (_, n) => padding(`x-${n}`, 10)),
    ];
    const blocks = sets.map((set) => Buffer.concat([headerBlock(ACQUIRE, 'localhost'), ...set]));
    return callAway(target, budget, count, (id, n) => splitHeaders(id, blocks[n % blocks.length] as Buffer));
  },
};

function splitHeaders(id: number, block: Buffer): Buffer {
  const frames: Buffer[] = [];
  for (let at = 0; at < block.length; at += FRAME_BYTES_MAX) {
    const flags = at + FRAME_BYTES_MAX >= block.length ? FLAG.endHeaders : 0;
    const payload = block.subarray(at, at + FRAME_BYTES_MAX);
    frames.push(at === 0 ? frame(FRAME.headers, flags | FLAG.endStream, id, payload) : frame(FRAME.continuation, flags, id, payload));
  }
  return Buffer.concat(frames);
}

export const fuzzedMessages: Attack = {
  name: 'fuzzed protobuf',
  count: 20_000,
  run(target, budget, count) {
    const random = seeded(7);
    const good = Buffer.from('0a0764656661756c7412066d6f64656c2d1880081a0461666669220272312a021005', 'hex');
    const message = () => {
      if (random() < 0.5) return randomBytes(random, Math.floor(random() * 200));
      const bytes = Buffer.from(good);
      for (let changes = 1 + Math.floor(random() * 6); changes > 0; changes -= 1) {
        bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256);
      }
      return bytes.subarray(0, Math.floor(random() * (bytes.length + 1)));
    };
    return callAway(target, budget, count, (id, n) =>
      Buffer.concat([headersFrame(id, UNARY_METHODS[n % UNARY_METHODS.length] as string), dataFrames(id, grpcMessage(message()))]),
    );
  },
};

/** Content types, methods, paths, encodings and timeouts that no client of gRPC sends. */
export const wrongHeaders: Attack = {
  name: 'wrong headers',
  count: 10_000,
  run(target, budget, count) {
    const [post, get, http] = [Buffer.from([0x83]), Buffer.from([0x82]), Buffer.from([0x86])];
    const path = (value: string) => literal(':path', value);
    const grpc = literal('content-type', 'application/grpc');
    const acquire = path(ACQUIRE);
    const blocks = [
      [post, http, acquire, literal('content-type', 'application/json')],
      [post, http, acquire],
      [get, http, acquire, grpc],
      [post, http, path('/'), grpc],
      [post, http, path(`/${'x'.repeat(8_000)}`), grpc],
      [post, http, path('/__proto__/constructor'), grpc],
      [post, http, acquire, grpc, literal('grpc-timeout', '99999999999H')],
      [post, http, acquire, grpc, literal('grpc-timeout', '-1S')],
      [post, http, acquire, grpc, literal('grpc-timeout', '0n')],
      [post, http, acquire, grpc, literal('grpc-encoding', 'rot13')],
      [post, http, acquire, grpc, literal('x-some-bin', '!not base64!')],
      [post, http, acquire, grpc, literal('content-length', '4')],
      [literal(':method', 'NONE'), http, acquire, grpc],
      [literal(':method', 'CONNECT'), literal(':authority', 'x'), grpc],
    ].map((block) => Buffer.concat(block));
    return callAway(target, budget, count, (id, n) =>
      Buffer.concat([
        frame(FRAME.headers, FLAG.endHeaders, id, blocks[n % blocks.length] as Buffer),
        dataFrames(id, grpcMessage(Buffer.alloc(0))),
      ]),
    );
  },
};
