import type { KeyStatus } from '../../generated/keylease/v1/key.ts';
import type { Services } from '../session.ts';

/** Keys as the server last told them, kept current until stopped. */
export interface FollowedKeys {
  readonly keys: ReadonlyMap<string, KeyStatus>;
  stop(): void;
}

/** Follows the keys of the only pool; answers once every key is there. Rejects where the server ends the stream before. */
export async function followKeys(admin: Services['admin']): Promise<FollowedKeys> {
  const keys = new Map<string, KeyStatus>();
  const stopped = new AbortController();
  const { promise: complete, resolve, reject } = Promise.withResolvers<void>();
  const follow = async () => {
    for await (const change of admin.watchKeys({}, { signal: stopped.signal })) {
      for (const key of change.keys) keys.set(key.keyId, key);
      for (const id of change.removedKeyIds) keys.delete(id);
      if (change.snapshotComplete) resolve();
    }
  };
  follow().then(() => reject(new Error('the server stopped telling about its keys')), reject);
  await complete;
  return { keys, stop: () => stopped.abort() };
}
