/** The fields of an answer that may hold a secret, by method, as numbers from the message down to the field. */
const CREDENTIALS: Readonly<Record<string, readonly number[]>> = {
  '/keylease.v1.KeyLeaseService/AcquireKey': [2],
  '/keylease.v1.KeyLeaseService/LeaseStream': [1, 2, 2],
};

/** An answer of a method as it was on the wire, without the one field that may hold a secret. */
export function withoutCredential(method: string, message: Uint8Array): Buffer {
  const path = CREDENTIALS[method];
  return path === undefined ? Buffer.from(message) : without(Buffer.from(message), path);
}

/** The bytes of a message without a field; what stands around it stays as it is, but for the lengths. */
function without(message: Buffer, [number, ...deeper]: readonly number[]): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at < message.length; ) {
    const start = at;
    const tag = readVarint(message, at);
    at = tag.end;
    const kind = tag.value & 7;
    if (kind === 2) {
      const length = readVarint(message, at);
      at = length.end + length.value;
      const isIt = tag.value >> 3 === number;
      if (isIt && deeper.length > 0) parts.push(message.subarray(start, tag.end), without(message.subarray(length.end, at), deeper));
      if (!isIt) parts.push(message.subarray(start, at));
      continue;
    }
    at = kind === 0 ? readVarint(message, at).end : at + (kind === 1 ? 8 : 4);
    parts.push(message.subarray(start, at));
  }
  return Buffer.concat(parts);
}

/** A varint; beyond 32 bits only its end is right. */
function readVarint(bytes: Buffer, start: number): { value: number; end: number } {
  let [value, shift, at] = [0, 0, start];
  for (let more = true; more && at < bytes.length; at += 1, shift += 7) {
    const byte = bytes[at] as number;
    if (shift < 28) value += (byte & 0x7f) << shift;
    more = byte >= 0x80;
  }
  return { value, end: at };
}
