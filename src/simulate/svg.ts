import type { Dimension, Millis } from '../pool/upstream.ts';
import { START } from './scenario.ts';
import type { Lane, Sample, Timeline } from './timeline.ts';

const WIDTH = 960;
const LEFT = 56;
const RIGHT = 16;
const TOP = 64;
const LANE = 132;
const PLOT = 88;
const BOTTOM = 44;

const PLOT_WIDTH = WIDTH - LEFT - RIGHT;

/** Marks closer than this on the picture are one. */
const MARK_GAP = 1.5;

const SHORT_DASH = '5 3';

/** Told apart by colour and by dashes, in light and in dark. */
const LINES: Readonly<Record<Dimension, { readonly name: string; readonly dashes: string }>> = {
  requests: { name: 'requests', dashes: 'none' },
  input_tokens: { name: 'input tokens', dashes: SHORT_DASH },
  output_tokens: { name: 'output tokens', dashes: '1.5 2.5' },
  tokens: { name: 'tokens', dashes: SHORT_DASH },
};

const STYLE = `
  svg { color-scheme: light dark; background: #fff; font: 12px system-ui, sans-serif; }
  .text { fill: #1f2328; } .soft { fill: #59636e; } .title { font-size: 15px; font-weight: 600; }
  .grid { stroke: #d1d9e0; } .axis { stroke: #818b98; }
  .left { fill: none; stroke-width: 1.5; stroke-linejoin: round; }
  .requests { stroke: #0969da; } .input_tokens, .tokens { stroke: #8250df; } .output_tokens { stroke: #1a7f37; }
  .limited { stroke: #d1242f; stroke-width: 1.2; } .band { fill: #fb8f44; fill-opacity: .28; }
  @media (prefers-color-scheme: dark) {
    svg { background: #0d1117; } .text { fill: #f0f6fc; } .soft { fill: #9198a1; }
    .grid { stroke: #30363d; } .axis { stroke: #656c76; }
    .requests { stroke: #4493f8; } .input_tokens, .tokens { stroke: #ab7df8; } .output_tokens { stroke: #3fb950; }
    .limited { stroke: #ff7b72; } .band { fill: #db6d28; fill-opacity: .35; }
  }`;

/** A picture that needs nothing else: for each limit group what was left over time, 429s as marks, keys passed over as bands. */
export function drawTimeline({ scenario, strategy, lanes }: Timeline): string {
  const height = TOP + lanes.length * LANE + BOTTOM;
  const x = (time: Millis) => LEFT + (PLOT_WIDTH * (time - START)) / scenario.durationMs;
  const dimensions = [...new Set(lanes.flatMap(({ samples }) => samples.flatMap(({ left }) => [...left.keys()])))];
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img">`,
    `<title>${escaped(`${scenario.name}: ${strategy}`)}</title>`,
    `<style>${STYLE}\n</style>`,
    text(LEFT, 24, `${scenario.name} · ${strategy}`, 'text title'),
    ...legend(dimensions),
    ...lanes.flatMap((lane, place) => drawLane(lane, TOP + place * LANE, x)),
    ...timeAxis(scenario.durationMs, TOP + lanes.length * LANE - 8, x),
    text(LEFT + PLOT_WIDTH / 2, height - 10, 'time since the start', 'soft', 'middle'),
    `<text transform="translate(12 ${TOP + 22 + PLOT / 2}) rotate(-90)" class="soft" text-anchor="middle">left</text>`,
    '</svg>\n',
  ].join('\n');
}

function legend(dimensions: readonly Dimension[]): readonly string[] {
  const parts = [
    ...dimensions.map((dimension) => ({ name: `${LINES[dimension].name} left`, draw: (x: number) => sampleLine(dimension, x) })),
    { name: 'met a 429', draw: (x: number) => `<path class="limited" d="M${x + 10} 36v9"/>` },
    { name: 'keys passed over', draw: (x: number) => `<rect class="band" x="${x}" y="36" width="20" height="9"/>` },
  ];
  let x = LEFT;
  return parts.flatMap(({ name, draw }) => {
    const drawn = [draw(x), text(x + 26, 45, name, 'soft')];
    x += 46 + name.length * 6.6;
    return drawn;
  });
}

function sampleLine(dimension: Dimension, x: number): string {
  return `<path class="left ${dimension}" stroke-dasharray="${LINES[dimension].dashes}" d="M${x} 41h20"/>`;
}

function drawLane({ organization, keyIds, samples, limited }: Lane, top: number, x: (time: Millis) => number): readonly string[] {
  const bottom = top + 22 + PLOT;
  const y = (share: number) => round(bottom - PLOT * Math.min(1, share));
  const many = limited.length === 0 ? '' : `, ${limited.length} met a 429`;
  const dimensions = [...(samples.at(-1)?.left.keys() ?? [])];
  return [
    text(LEFT, top + 14, organization, 'text'),
    text(LEFT + 10 + organization.length * 7, top + 14, `${keyIds.join(', ')}${many}`, 'soft'),
    ...[0, 0.5, 1].flatMap((share) => [
      `<path class="${share === 0 ? 'axis' : 'grid'}" d="M${LEFT} ${y(share)}H${WIDTH - RIGHT}"/>`,
      text(LEFT - 6, y(share) + 4, `${share * 100} %`, 'soft', 'end'),
    ]),
    ...bands(samples, bottom, x),
    ...dimensions.map((dimension) => {
      const known = samples.filter(({ left }) => left.has(dimension));
      const points = known.map(({ time, left }) => `${round(x(time))} ${y(left.get(dimension) ?? 1)}`);
      return `<path class="left ${dimension}" stroke-dasharray="${LINES[dimension].dashes}" d="M${points.join('L')}"/>`;
    }),
    marks(limited, bottom, x),
  ];
}

/** Where keys are passed over, as high as the share of them. */
function bands(samples: readonly Sample[], bottom: number, x: (time: Millis) => number): readonly string[] {
  const drawn: string[] = [];
  let start = 0;
  for (let place = 1; place <= samples.length; place += 1) {
    const { time, passedOver } = samples[start] as Sample;
    if (samples[place]?.passedOver === passedOver) continue;
    const end = samples[Math.min(place, samples.length - 1)] as Sample;
    const height = round(PLOT * passedOver);
    if (passedOver > 0) {
      drawn.push(
        `<rect class="band" x="${round(x(time))}" y="${bottom - height}" width="${round(x(end.time) - x(time))}" height="${height}"/>`,
      );
    }
    start = place;
  }
  return drawn;
}

function marks(limited: readonly Millis[], bottom: number, x: (time: Millis) => number): string {
  const places: number[] = [];
  for (const time of limited) if (x(time) - (places.at(-1) ?? 0) >= MARK_GAP) places.push(x(time));
  return places.length === 0 ? '' : `<path class="limited" d="${places.map((place) => `M${round(place)} ${bottom + 2}v8`).join('')}"/>`;
}

function timeAxis(durationMs: number, y: number, x: (time: Millis) => number): readonly string[] {
  const step =
    [1, 5, 10, 30, 60, 300, 600, 1_800, 3_600, 7_200, 14_400, 43_200].find((seconds) => durationMs / (seconds * 1_000) <= 12) ?? 86_400;
  const ticks = Array.from({ length: Math.floor(durationMs / (step * 1_000)) + 1 }, (_, place) => place * step);
  return ticks.flatMap((seconds) => {
    const at = round(x(START + seconds * 1_000));
    const anchor = at > WIDTH - RIGHT - 20 ? 'end' : 'middle';
    return [`<path class="axis" d="M${at} ${y}v5"/>`, text(at, y + 20, clock(seconds), 'soft', anchor)];
  });
}

/** `90` seconds are `1:30`, an hour is `1:00:00`. */
function clock(seconds: number): string {
  const two = (value: number) => String(value).padStart(2, '0');
  const [h, m, s] = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60, seconds % 60];
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

function text(x: number, y: number, words: string, style: string, anchor = 'start'): string {
  return `<text x="${round(x)}" y="${round(y)}" class="${style}" text-anchor="${anchor}">${escaped(words)}</text>`;
}

function escaped(words: string): string {
  return words.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
