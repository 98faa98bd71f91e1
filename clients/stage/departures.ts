/** Everything in which a state departs from what is expected of it: what is not expected may be anything, lists are compared whole. */
export function departures(expected: unknown, actual: unknown, path = ''): readonly string[] {
  if (Array.isArray(expected)) {
    if (!Array.isArray(actual) || actual.length !== expected.length) return [departure(path, expected, actual)];
    return expected.flatMap((one, place) => departures(one, actual[place], `${path}[${place}]`));
  }
  if (typeof expected !== 'object' || expected === null) return Object.is(expected, actual) ? [] : [departure(path, expected, actual)];
  if (typeof actual !== 'object' || actual === null) return [departure(path, expected, actual)];
  return Object.entries(expected).flatMap(([name, one]) =>
    departures(one, (actual as Record<string, unknown>)[name], path === '' ? name : `${path}.${name}`),
  );
}

function departure(path: string, expected: unknown, actual: unknown): string {
  return `${path}: expected ${JSON.stringify(expected)}, found ${JSON.stringify(actual)}`;
}
