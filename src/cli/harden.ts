import { writeFileSync } from 'node:fs';
import { url as inspectorUrl } from 'node:inspector';
import type { Logger } from 'pino';
import { type Failure, usageMistake } from './failure.ts';

/** Options of Node that write the memory, or the environment, of the process to a file or show it to whoever connects. */
const REVEALING = [
  '--inspect',
  '--inspect-brk',
  '--inspect-wait',
  '--heapsnapshot-signal',
  '--heapsnapshot-near-heap-limit',
  '--report-on-signal',
  '--report-on-fatalerror',
  '--report-uncaught-exception',
];

/** Which options among those of this process reveal what it knows, as they are called in Node's manual. */
export function revealingOptions(args: readonly string[], nodeOptions: string): readonly string[] {
  const given = [...args, ...nodeOptions.split(/\s+/)].map((option) => (option.split('=', 1)[0] as string).replaceAll('_', '-'));
  return REVEALING.filter((option) => given.includes(option));
}

/**
 * To be called before any secret is read: SIGUSR1 opens no inspector from now on, and a core file will hold no memory. Answers what
 * is to be logged once there is a log. Throws where the process was started so that its memory is open.
 */
export function harden(args: readonly string[], nodeOptions: string): (log: Logger) => void {
  let log: Logger | undefined;
  // A listener takes the place of Node's own, which would open the inspector.
  process.on('SIGUSR1', () => log?.warn('SIGUSR1 does nothing here: the inspector stays closed'));
  const [option] = revealingOptions(args, nodeOptions);
  if (option !== undefined) throw revealed(`Node runs with ${option}`);
  refuseInspector();
  const problem = emptyCoreFiles();
  return (started) => {
    log = started;
    if (problem !== null)
      log.warn(
        { problem },
        'a crash may write memory, and so upstream keys, to a core file: start with `ulimit -c 0` (systemd: LimitCORE=0)',
      );
  };
}

/** A signal may have come before anybody listened; so this is asked again before calls are served. */
export function refuseInspector(): void {
  if (inspectorUrl() !== undefined) throw revealed('the inspector is open');
}

function revealed(what: string): Failure {
  return usageMistake(`${what}, which would show the upstream keys: start without it`);
}

/** A process of Linux says itself which parts of its memory a core file holds: none. Answers why that was not possible. */
function emptyCoreFiles(): string | null {
  if (process.platform !== 'linux') return null;
  try {
    writeFileSync('/proc/self/coredump_filter', '0');
    return null;
  } catch (error) {
    return (error as Error).message;
  }
}
