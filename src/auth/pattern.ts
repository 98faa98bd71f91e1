/** The parts of a pattern: a character, `*` or `**`. */
export type Pattern = readonly string[];

/** `*` stands for any text without a slash, `**` for any text. */
export function patternOf(text: string): Pattern {
  return text.match(/\*\*|./gsu) ?? [];
}

/** Whether the whole text is of the pattern; in time that grows with both and never faster, whoever chose the text. */
export function matches(pattern: Pattern, text: string): boolean {
  let reached = withStars(pattern, new Set([0]));
  for (const character of text) {
    const next = new Set<number>();
    for (const place of reached) {
      const part = pattern[place];
      if (part === '**' || (part === '*' && character !== '/')) next.add(place);
      else if (part === character && part !== '*') next.add(place + 1);
    }
    if (next.size === 0) return false;
    reached = withStars(pattern, next);
  }
  return reached.has(pattern.length);
}

/** With the places behind stars, which may stand for nothing. */
function withStars(pattern: Pattern, places: Set<number>): Set<number> {
  // A set that grows while it is walked is walked to its new end.
  for (const place of places) if (pattern[place]?.startsWith('*')) places.add(place + 1);
  return places;
}
