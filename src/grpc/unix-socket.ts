import { chmodSync, existsSync, rmSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { CannotListen } from '../config/cannot-listen.ts';

/** Makes a path free to listen on: a socket file that nobody answers on is left from a process that was killed, and is removed. */
export async function claimSocket(path: string): Promise<void> {
  if (!existsSync(path)) return;
  if (!statSync(path).isSocket())
    throw new CannotListen(`cannot listen on unix:${path}: there is a file of that name that is not a socket`);
  if (await isAnswered(path)) throw new CannotListen(`cannot listen on unix:${path}: another process listens there`);
  rmSync(path, { force: true });
}

/** Nobody but the owner can connect to the sockets that `bind` makes before it returns, whatever the umask. */
export function bindPrivately(bind: () => void): void {
  const before = process.umask(0o177);
  try {
    bind();
  } finally {
    process.umask(before);
  }
}

/** Lets those connect whom the mode names. */
export function openSocket(path: string, mode: number): void {
  chmodSync(path, mode);
}

export function releaseSocket(path: string): void {
  rmSync(path, { force: true });
}

function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(path);
    const answer = (answered: boolean) => {
      probe.destroy();
      resolve(answered);
    };
    probe.once('connect', () => answer(true));
    probe.once('error', () => answer(false));
  });
}
