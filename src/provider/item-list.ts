/** One member of a structured list: `"name";key=value;…`. */
export interface Item {
  /** A bare number in a name's place is a quota of older drafts; a quoted one is only a name. */
  readonly quoted: boolean;
  readonly name: string;
  /** A parameter without a value is `true`, as in RFC 9651. */
  readonly params: ReadonlyMap<string, string>;
}

const ITEMS_MAX = 8;

/** A quoted string, or a word with or without `=value`; then `;`, `,` or the end. */
const PIECE = /\s*(?:"((?:[^"\\]|\\.)*)"|([^\s",;=]+)(?:=("(?:[^"\\]|\\.)*"|[^\s",;]+))?)\s*([;,]|$)/y;

/**
 * The members of a structured-field list, at most eight; null: it is none. Where a string stands in a parameter's place,
 * as in `"fixed window";"api";q=1000`, it is taken as the member's name.
 */
export function parseItemList(text: string): Item[] | null {
  if (!/^[ -~]+$/.test(text)) return null;
  const items: { quoted: boolean; name: string; params: Map<string, string> }[] = [];
  let inItem = false;
  PIECE.lastIndex = 0;
  for (;;) {
    const piece = PIECE.exec(text);
    if (!piece) return null;
    const [, string, word, value, separator] = piece;
    const item = items.at(-1);
    if (!inItem || !item) {
      if (value !== undefined || items.length === ITEMS_MAX) return null;
      items.push({ quoted: string !== undefined, name: string ?? word!, params: new Map() });
    } else if (string !== undefined) item.name = string;
    else item.params.set(word!, value?.replace(/^"|"$/g, '') ?? 'true');
    if (separator === '') return items;
    inItem = separator === ';';
  }
}
