/** The fields that are a google.protobuf.Duration. */
const DURATIONS: ReadonlySet<string> = new Set(['window', 'waited', 'delay', 'ttl']);

/** A message as proto3 says that its JSON is: the generated code gives durations as objects, proto3 as text such as "1.500s". */
export function protoJson(message: unknown): unknown {
  if (Array.isArray(message)) return message.map(protoJson);
  if (typeof message !== 'object' || message === null) return message;
  return Object.fromEntries(
    Object.entries(message).map(([name, value]) => [name, DURATIONS.has(name) ? durationText(value) : protoJson(value)]),
  );
}

function durationText({ seconds = 0, nanos = 0 }: { seconds?: number; nanos?: number }): string {
  const fraction = String(nanos)
    .padStart(9, '0')
    .replace(/(000){0,3}$/, '');
  return fraction === '' ? `${seconds}s` : `${seconds}.${fraction}s`;
}
