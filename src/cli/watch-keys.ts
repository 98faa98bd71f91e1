import type { KeyStatus } from '../generated/keylease/v1/key.ts';
import { WatchKeysResponse } from '../generated/keylease/v1/pool_admin_service.ts';
import { keySentence, keyTable } from './key-view.ts';
import { redacted } from './redact.ts';
import type { Session } from './session.ts';
import { plain } from './words.ts';

const CLEAR_SCREEN = '\x1b[H\x1b[J';
/** Times such as `in 16s` go stale by themselves. */
const REDRAW_MS = 1_000;

/** Follows the keys of a pool until the server ends it: a live table on a terminal, else the table once and a line a change; with --json a message a line. */
export async function watchKeys(session: Session, pool: string): Promise<void> {
  const { admin, io, json } = session;
  const changes = admin.watchKeys({ pool });
  if (json) {
    for await (const change of changes) io.out(`${JSON.stringify(redacted(WatchKeysResponse.toJSON(change)))}\n`);
  } else if (io.isTerminal) {
    await drawLive(session, changes);
  } else {
    await printChanges(session, changes);
  }
}

async function drawLive({ io, layout }: Session, changes: AsyncIterable<WatchKeysResponse>): Promise<void> {
  const keys = new Map<string, KeyStatus>();
  const draw = () => io.out(`${CLEAR_SCREEN}${keyTable([...keys.values()], io.now(), { ...layout, width: io.columns })}\n`);
  const redraw = setInterval(draw, REDRAW_MS);
  try {
    for await (const change of changes) {
      follow(keys, change);
      draw();
    }
  } finally {
    clearInterval(redraw);
  }
}

async function printChanges({ io, layout }: Session, changes: AsyncIterable<WatchKeysResponse>): Promise<void> {
  const keys = new Map<string, KeyStatus>();
  let complete = false;
  for await (const change of changes) {
    follow(keys, change);
    if (complete) {
      for (const key of change.keys) io.out(`${plain(keySentence(key, io.now()))}\n`);
      for (const id of change.removedKeyIds) io.out(`${plain(id)} has left the configuration\n`);
    } else if (change.snapshotComplete) {
      complete = true;
      io.out(`${keyTable([...keys.values()], io.now(), layout)}\n`);
    }
  }
}

function follow(keys: Map<string, KeyStatus>, change: WatchKeysResponse): void {
  for (const key of change.keys) keys.set(key.keyId, key);
  for (const id of change.removedKeyIds) keys.delete(id);
}
