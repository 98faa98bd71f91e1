import type { Io } from '../io.ts';

/** Where the demo tells its story: lines that stay, and on a terminal a picture below them that is drawn anew. */
export interface Screen {
  /** A line that stays. */
  line(text?: string): void;
  /** A line that stays, with the seconds since the phase began. */
  event(text: string): void;
  /** The picture below; not shown where there is no terminal. */
  picture(text: string): void;
  /** Starts the seconds anew. */
  restart(): void;
}

/** A screen on standard output. */
export function createScreen(io: Io): Screen {
  let started = io.now();
  let pictureLines = 0;
  const erase = () => {
    if (pictureLines > 0) io.out(`\x1b[${pictureLines}A\x1b[J`);
    pictureLines = 0;
  };
  const line = (text = '') => {
    erase();
    io.out(`${text}\n`);
  };
  return {
    line,
    event: (text) => line(`${((io.now() - started) / 1_000).toFixed(1).padStart(6)}s  ${text}`),
    picture(text) {
      if (!io.isTerminal) return;
      erase();
      io.out(`${text}\n`);
      pictureLines = text.split('\n').length;
    },
    restart() {
      started = io.now();
    },
  };
}
