/** Numbers and times as people read them. Pure. */

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const compact = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });

/** 12,345 up to five digits, 1.2M beyond. */
export function amount(value) {
  return value < 100_000 ? whole.format(value) : compact.format(value);
}

/** A span of milliseconds in its two largest units: 850 ms, 12 s, 3 min 5 s, 2 h 1 min, 3 d 4 h. */
export function span(ms) {
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))} ms`;
  const units = [
    ['d', 86_400_000],
    ['h', 3_600_000],
    ['min', 60_000],
    ['s', 1_000],
  ];
  const first = units.findIndex(([, size]) => ms >= size);
  const [name, size] = units[first];
  const whole = Math.floor(ms / size);
  const [nextName, nextSize] = units[first + 1] ?? ['', 1];
  const rest = nextName === '' ? 0 : Math.floor((ms - whole * size) / nextSize);
  return rest === 0 ? `${whole} ${name}` : `${whole} ${name} ${rest} ${nextName}`;
}

/** A window of a limit, as in `/min` or `/5 h`. */
export function windowText(ms) {
  if (ms === null) return '';
  return `/${{ 1000: 's', 60000: 'min', 3600000: 'h', 86400000: 'd' }[ms] ?? span(ms)}`;
}

/** `input_tokens` as `input tokens`. */
export function words(name) {
  return name.replaceAll('_', ' ');
}

/** The points of a line from left to right through values, in a box of 100 by 28. */
export function sparkPoints(values, highest) {
  const step = 100 / Math.max(1, values.length - 1);
  return values.map((value, place) => `${(place * step).toFixed(1)},${(27 - (value / Math.max(1, highest)) * 25).toFixed(1)}`);
}
