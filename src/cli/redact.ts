/** The fields that the contract marks with `debug_redact`, as its JSON calls them: no field of another message has such a name. */
export const REDACTED: ReadonlySet<string> = new Set(['secret', 'headerValue', 'errorBody']);

/** A message as JSON, at any depth without what must not be printed. */
export function redacted(json: unknown): unknown {
  if (Array.isArray(json)) return json.map(redacted);
  if (typeof json !== 'object' || json === null) return json;
  const shown = Object.entries(json).filter(([name]) => !REDACTED.has(name));
  return Object.fromEntries(shown.map(([name, value]) => [name, redacted(value)]));
}
