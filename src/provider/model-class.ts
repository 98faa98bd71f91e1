import type { ModelClass, ModelClassRule } from '../pool/upstream.ts';

const OWN_NAME_LENGTH_MAX = 64;

/** The class of the first rule that names the model, in any case; else the model's own name, lower-cased and cut to 64 characters. */
export function modelClassOf(rules: readonly ModelClassRule[], model: string): ModelClass {
  if (model === '') return '';
  const name = model.toLowerCase();
  const rule = rules.find(({ models }) => models.some((glob) => globMatches(glob.toLowerCase(), name)));
  return rule?.id ?? name.slice(0, OWN_NAME_LENGTH_MAX);
}

/** `*` stands for any text, everything else for itself. Each piece is looked for once, from left to right, so nothing is tried again. */
function globMatches(glob: string, name: string): boolean {
  const [head = '', ...pieces] = glob.split('*');
  const tail = pieces.pop();
  if (tail === undefined) return name === glob;
  if (!name.startsWith(head)) return false;
  let from = head.length;
  for (const piece of pieces) {
    const at = name.indexOf(piece, from);
    if (at < 0) return false;
    from = at + piece.length;
  }
  return name.length - tail.length >= from && name.endsWith(tail);
}
