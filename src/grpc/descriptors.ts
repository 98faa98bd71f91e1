import { loadFileDescriptorSetFromBuffer, type MessageTypeDefinition, type PackageDefinition } from '@grpc/proto-loader';
import { descriptors } from '../generated/descriptors.ts';
import type { FieldViolation } from '../service/problem.ts';

const bytes = Buffer.from(descriptors, 'base64');

/** Every message as its descriptor says, 64-bit numbers as objects of their own: for messages that the generated code refuses. */
const loaded = loadFileDescriptorSetFromBuffer(bytes, { keepCase: true });

/** What reflection tells: our own files with every comment, and the standard health service. */
export function reflectedPackage(): PackageDefinition {
  const anyType = Object.values(loaded).find((definition) => 'fileDescriptorProtos' in definition) as MessageTypeDefinition<object, object>;
  return { keylease: { ...anyType, fileDescriptorProtos: filesOf(bytes) } };
}

/** The files of a FileDescriptorSet, which is nothing but `repeated FileDescriptorProto file = 1`. */
function filesOf(set: Buffer): Buffer[] {
  const files: Buffer[] = [];
  for (let at = 0; at < set.length; ) {
    let size = 0;
    let shift = 0;
    at += 1;
    for (let more = true; more; at += 1, shift += 7) {
      const byte = set[at] as number;
      size += (byte & 0x7f) * 2 ** shift;
      more = byte >= 0x80;
    }
    files.push(set.subarray(at, at + size));
    at += size;
  }
  return files;
}

/** Why the generated code could not decode a request: numbers too large to be exact, by their field names, or no such message at all. */
export function malformedFields(methodPath: string, message: Uint8Array): readonly FieldViolation[] {
  const [, service = '', method = ''] = methodPath.split('/');
  const definition = loaded[service];
  const decode =
    definition !== undefined && method in definition ? (definition as Record<string, MethodLike>)[method]?.requestDeserialize : undefined;
  const notOne = [{ field: '(message)', description: 'the bytes are not a message of this type' }];
  try {
    const found = oversized(decode?.(Buffer.from(message)), '');
    return found.length === 0 ? notOne : found;
  } catch {
    return notOne;
  }
}

interface MethodLike {
  readonly requestDeserialize?: (bytes: Buffer) => unknown;
}

function oversized(value: unknown, path: string): FieldViolation[] {
  if (typeof value !== 'object' || value === null || Buffer.isBuffer(value)) return [];
  if ('low' in value && 'high' in value && 'unsigned' in value) {
    return Number.isSafeInteger(Number(value)) ? [] : [{ field: path, description: 'must lie between -(2^53 - 1) and 2^53 - 1' }];
  }
  const name = (key: string) => (Array.isArray(value) ? `${path}[${key}]` : path === '' ? key : `${path}.${key}`);
  return Object.entries(value).flatMap(([key, each]) => oversized(each, name(key)));
}
