import { fromBinary } from '@bufbuild/protobuf';
import { type DescriptorProto, type FieldDescriptorProto, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { expect, test } from 'vitest';
import { REDACTED, redacted } from '../../src/cli/redact.ts';
import { descriptors } from '../../src/generated/descriptors.ts';
import { AcquireKeyResponse } from '../../src/generated/keylease/v1/key_lease_service.ts';

interface Field {
  readonly message: string;
  readonly field: FieldDescriptorProto;
}

const within = (message: DescriptorProto, path: string): Field[] => [
  ...message.field.map((field) => ({ message: `${path}.${message.name}`, field })),
  ...message.nestedType.flatMap((nested) => within(nested, `${path}.${message.name}`)),
];

/** Every field of every message on the wire. */
const FIELDS: readonly Field[] = fromBinary(FileDescriptorSetSchema, Buffer.from(descriptors, 'base64')).file.flatMap((file) =>
  file.messageType.flatMap((message) => within(message, file.package)),
);

const names = (fields: readonly Field[]) => fields.map(({ message, field }) => `${message}.${field.jsonName}`);
const marked = FIELDS.filter(({ field }) => field.options?.debugRedact === true);

test('every field that the contract marks with debug_redact is redacted, and nothing else is', () => {
  expect(FIELDS.length).toBeGreaterThan(100);
  expect(names(marked)).toContain('keylease.v1.Credential.secret');
  expect(names(FIELDS.filter(({ field }) => REDACTED.has(field.jsonName)))).toEqual(names(marked));
  expect([...REDACTED].sort()).toEqual([...new Set(marked.map(({ field }) => field.jsonName))].sort());
});

test('every field that a name calls secret is marked', () => {
  const telling = FIELDS.filter(({ field }) => /secret|password|private_key|error_body|header_value/.test(field.name));
  expect(names(telling.filter(({ field }) => field.options?.debugRedact !== true))).toEqual([]);
});

test('a message is shown without its secrets, at any depth', () => {
  const answer = AcquireKeyResponse.fromPartial({
    lease: { keyId: 'a' },
    credential: { secret: 'sk-hidden', headerName: 'x-api-key', headerValue: 'sk-hidden', headers: { version: '1' } },
  });
  const shown = redacted([{ replies: [AcquireKeyResponse.toJSON(answer)] }]);
  expect(JSON.stringify(shown)).not.toContain('hidden');
  expect(shown).toMatchObject([
    { replies: [{ lease: { keyId: 'a' }, credential: { headerName: 'x-api-key', headers: { version: '1' } } }] },
  ]);
});
