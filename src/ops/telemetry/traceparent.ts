/** Where a caller's trace stands, as W3C's `traceparent` tells it. */
export interface TraceParent {
  readonly traceId: string;
  readonly spanId: string;
  readonly isSampled: boolean;
}

/** Version 00 has 55 characters; a later version may have more, of which the first 55 are as in version 00. */
const CHARACTERS_MAX = 128;
const FORM = /^(?!ff)([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;

/** Reads the header; undefined: there is none, or it is malformed and so ignored. */
export function readTraceparent(header: string | undefined): TraceParent | undefined {
  if (header === undefined || header.length > CHARACTERS_MAX) return undefined;
  const [, version, traceId = '', spanId = '', flags = '', rest] = FORM.exec(header) ?? [];
  const isMalformed = version === undefined || (version === '00' && rest !== undefined) || /^0+$/.test(traceId) || /^0+$/.test(spanId);
  return isMalformed ? undefined : { traceId, spanId, isSampled: (Number.parseInt(flags, 16) & 1) === 1 };
}

export function traceIdOf(header: string | undefined): string | undefined {
  return readTraceparent(header)?.traceId;
}
