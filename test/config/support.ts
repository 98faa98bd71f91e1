import type { Config } from '../../src/config/config.ts';
import { formatMistake } from '../../src/config/mistake.ts';
import { type ConfigReading, type Lookups, parseConfig } from '../../src/config/parse.ts';

export const KNOWN = { strategies: ['least_loaded', 'round_robin', 'weighted', 'random'], providers: ['anthropic', 'openai'] };

/** Parses a text as `/etc/keylease/config.yaml`, with no variables and no files but those given. */
export function parse(text: string, lookups: Partial<Lookups> = {}): ConfigReading {
  return parseConfig(text, '/etc/keylease/config.yaml', {
    ...KNOWN,
    env: {},
    readFile: () => ({ ok: false, problem: 'there is no such file' }),
    ...lookups,
  });
}

/** The configuration of a reading that must be without mistakes. */
export function mustBeGood(reading: ConfigReading): Config {
  if (!reading.ok) throw new Error(reading.mistakes.map(formatMistake).join('\n'));
  return reading.config;
}

/** The mistakes of a reading as `line:column path: message`; none for a good one. */
export function mistakesOf(reading: ConfigReading): string[] {
  return reading.ok ? [] : reading.mistakes.map((mistake) => formatMistake({ ...mistake, file: '' }).slice(1));
}

/** The smallest file that is right, with more lines for its pool and its key. */
export function minimal({ top = '', pool = '', key = '', secret = 'sk-minimal' } = {}): string {
  return `${top}
pools:
  - id: default
    provider: anthropic
    ${pool}
    keys:
      - id: a
        secret: ${secret}
        ${key}
`;
}
