import { describe, expect, test } from 'vitest';
import { parseHeaders } from '../../src/cli/headers.ts';

interface Row {
  readonly rule: string;
  readonly text: string;
  readonly status: number | null;
  readonly headers: Readonly<Record<string, string>>;
}

describe('parseHeaders', () => {
  test.each<Row>([
    {
      rule: 'names are lowered and values trimmed',
      text: 'Retry-After:  16 \nx:y',
      status: null,
      headers: { 'retry-after': '16', x: 'y' },
    },
    {
      rule: 'a status line gives the status, CRLF and the empty line are fine',
      text: 'HTTP/2 429 \r\nretry-after: 1\r\n\r\n',
      status: 429,
      headers: { 'retry-after': '1' },
    },
    {
      rule: 'of several blocks the last counts',
      text: 'HTTP/1.1 100 Continue\n\nHTTP/1.1 302 Found\nlocation: /a\n\nHTTP/1.1 200 OK\nb: 2\n',
      status: 200,
      headers: { b: '2' },
    },
    { rule: 'a repeated name joins its values', text: 'a: 1\nA: 2', status: null, headers: { a: '1, 2' } },
    { rule: 'a folded line belongs to the header before it', text: 'a: 1\n  2', status: null, headers: { a: '1 2' } },
    { rule: 'a value may contain colons and be empty', text: 'a: 12:30:00Z\nb:', status: null, headers: { a: '12:30:00Z', b: '' } },
    { rule: 'names that objects inherit are names like others', text: 'constructor: x', status: null, headers: { constructor: 'x' } },
    { rule: 'nothing is no header', text: '', status: null, headers: {} },
  ])('$rule', ({ text, status, headers }) => {
    expect(parseHeaders(text)).toEqual({ ok: true, block: { status, headers } });
  });

  test('a mistake names the line and never what it says', () => {
    expect(parseHeaders('a: 1\nsk-secret-thing')).toEqual({ ok: false, mistake: 'line 2 is not "name: value"' });
  });
});
