import { ChannelCredentials, Client, status as codes, type Metadata, type ServiceError } from '@grpc/grpc-js';
import { onTestFinished } from 'vitest';

/** What a call that was put together by hand was answered. */
export interface RawAnswer {
  readonly status: string;
  readonly message: string;
  readonly bytes: Buffer;
}

/** Sends bytes as the message of a unary call, whatever they are. */
export function rawCaller(address: string) {
  const client = new Client(address, ChannelCredentials.createInsecure(), { 'grpc.max_send_message_length': -1 });
  onTestFinished(() => client.close());
  return (path: string, message: Uint8Array, metadata?: Metadata): Promise<RawAnswer> =>
    new Promise((resolve) => {
      const same = (bytes: Buffer) => bytes;
      const answer = (error: ServiceError | null, bytes?: Buffer) =>
        resolve({ status: codes[error?.code ?? codes.OK] as string, message: error?.details ?? '', bytes: bytes ?? Buffer.alloc(0) });
      if (metadata === undefined) client.makeUnaryRequest(path, same, same, Buffer.from(message), answer);
      else client.makeUnaryRequest(path, same, same, Buffer.from(message), metadata, answer);
    });
}

/** A field of a message as protobuf encodes it. */
export const field = {
  varint: (number: number, value: bigint) => Buffer.concat([varint(BigInt(number << 3)), varint(BigInt.asUintN(64, value))]),
  bytes: (number: number, value: Uint8Array) => Buffer.concat([varint(BigInt((number << 3) | 2)), varint(BigInt(value.length)), value]),
};

function varint(value: bigint): Buffer {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>= 7n) {
    if (rest < 0x80n) return Buffer.from([...bytes, Number(rest)]);
    bytes.push(Number(rest & 0x7fn) | 0x80);
  }
}
