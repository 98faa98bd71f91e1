import { join } from 'node:path';
import type { RedisSettings, StoreSettings } from '../../config/config.ts';
import { checkUpFolder } from '../../store/file-checkup.ts';
import { counted, span } from '../words.ts';
import { checkDisk } from './disk.ts';
import { type Finding, fault, fine, warning } from './finding.ts';

/** A clock that is behind what the store remembers by more than this was set back. */
const BEHIND_MS = 2_000;

/** The store that the configuration names, where it is on this machine. */
export function checkStore(settings: Exclude<StoreSettings, RedisSettings>, now: number): readonly Finding[] {
  if (settings.kind === 'memory')
    return [warning('store', 'memory: leases and what was learnt are gone with the process; name a file store to keep them')];
  return [...checkFolder(settings.path, now), ...checkDisk(settings.path)];
}

function checkFolder(folder: string, now: number): readonly Finding[] {
  const checkup = checkUpFolder(folder);
  switch (checkup.kind) {
    case 'none':
      return [fine('store', `${folder}: nothing there yet, the first start makes it`)];
    case 'unreadable':
      return [fault('store', checkup.problem)];
    case 'damaged':
      return [
        fault(
          'store',
          `${join(folder, 'keylease.db')} is damaged (${checkup.problem}): put a copy of it back, or move it away to start anew`,
        ),
      ];
    case 'sound':
      return [
        fine('store', `${folder}: sound, ${counted(checkup.leases, 'lease')}`),
        ...clock(checkup.newestTime, now),
        ...(checkup.othersMayRead ? [warning('store', `other users may read ${folder}: chmod -R go= ${folder}`)] : []),
      ];
  }
}

function clock(newestTime: number, now: number): readonly Finding[] {
  const behind = newestTime - now;
  if (behind <= BEHIND_MS) return [fine('clock', 'not behind what the store remembers')];
  const told = `behind the store by ${span(behind)}: the service goes on from the store's time, so that times it shows are ahead until then`;
  return [warning('clock', `${told}; set the clock right`)];
}
