/** The headers of a response, and its status where a status line stood before them. */
export interface HeaderBlock {
  readonly status: number | null;
  readonly headers: Readonly<Record<string, string>>;
}

export type ParsedHeaders = { readonly ok: true; readonly block: HeaderBlock } | { readonly ok: false; readonly mistake: string };

/**
 * Reads `name: value` lines as `curl -D` writes them. Of several blocks (redirects, 100 Continue) the last counts; values of a
 * repeated name are joined with commas. A mistake names the line's number, never what it says.
 */
export function parseHeaders(text: string): ParsedHeaders {
  let status: number | null = null;
  const headers = new Map<string, string>();
  let last = '';
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    const statusLine = /^HTTP\/\d(?:\.\d)?\s+(\d{3})(?:\s|$)/.exec(line);
    const header = /^([!#$%&'*+.^_`|~\w-]+)\s*:\s*(.*?)\s*$/.exec(line);
    if (statusLine) {
      status = Number(statusLine[1]);
      headers.clear();
      last = '';
    } else if (header) {
      last = header[1]!.toLowerCase();
      const before = headers.get(last);
      headers.set(last, before === undefined ? header[2]! : `${before}, ${header[2]}`);
    } else if (/^[ \t]+\S/.test(line) && last !== '') {
      headers.set(last, `${headers.get(last)} ${line.trim()}`);
    } else if (line.trim() !== '') {
      return { ok: false, mistake: `line ${index + 1} is not "name: value"` };
    }
  }
  return { ok: true, block: { status, headers: Object.fromEntries(headers) } };
}
