/** A fenced block of a document, with what a comment before it says of how it is run. */
export interface Block {
  /** 1 for the first line of the document. */
  readonly line: number;
  /** Empty: output of the block before it. */
  readonly language: string;
  readonly text: string;
  readonly directive: Directive;
}

/**
 * `<!-- docs: start -->`: goes on in the background. `<!-- docs: file NAME -->`: is written to a file. `<!-- docs: example, WHY -->`: is
 * neither run nor compared. Without a comment a block is run, and a block of output is what the one before it must have printed.
 */
type Directive =
  | { readonly kind: 'run' }
  | { readonly kind: 'start' }
  | { readonly kind: 'file'; readonly name: string }
  | { readonly kind: 'example'; readonly why: string };

const FENCE = /^(?:<!-- docs: ([^\n]*) -->\n\n?)?```([a-z]*)\n(.*?)^```$/gms;

/** The blocks of a document in their order; throws where a comment is not understood. */
export function blocksOf(markdown: string): readonly Block[] {
  return [...markdown.matchAll(FENCE)].map((match) => {
    const [whole, written, language = '', text = ''] = match;
    const fence = match.index + whole.indexOf('```');
    return { line: markdown.slice(0, fence).split('\n').length, language, text, directive: directiveOf(written) };
  });
}

function directiveOf(written: string | undefined): Directive {
  if (written === undefined) return { kind: 'run' };
  if (written === 'start') return { kind: 'start' };
  const [, name] = /^file (\S+)$/.exec(written) ?? [];
  if (name !== undefined) return { kind: 'file', name };
  const [, why] = /^example, (.+)$/.exec(written) ?? [];
  if (why !== undefined) return { kind: 'example', why };
  throw new Error(`a document says "docs: ${written}", which means nothing: known are start, file NAME and example, WHY`);
}

/** Whether output is what a document shows: numbers and widths may differ, and … stands for anything. */
export function isAsShown(shown: string, printed: string): boolean {
  const lines = (text: string) => text.trim().split('\n').map(alike);
  const pattern = lines(shown).map((line) => line.split('…').map(escaped).join('.*'));
  return new RegExp(`^${pattern.join('\n')}$`).test(lines(printed).join('\n'));
}

const alike = (line: string) =>
  line
    .replaceAll(/\d[\d.,]*/g, '0')
    .replaceAll(/\s+/g, ' ')
    .trim();
const escaped = (text: string) => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
