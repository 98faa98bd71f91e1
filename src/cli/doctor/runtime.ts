import { readFileSync } from 'node:fs';
import { type Finding, fine, warning } from './finding.ts';

/** Each connection is a file; fewer than this and a busy hour runs out of them. */
const OPEN_FILES_MIN = 4_096;

/** The Node that runs this, and what the system lets a process of this user do. */
export function checkRuntime(version = process.versions.node, limits = readLimits()): readonly Finding[] {
  return [fine('node', `${version}`), ...openFiles(limits), ...coreFiles(limits)];
}

function openFiles(limits: string): readonly Finding[] {
  const soft = softLimit(limits, 'Max open files');
  if (soft === null) return [];
  if (soft >= OPEN_FILES_MIN) return [fine('open files', `up to ${soft}`)];
  return [
    warning(
      'open files',
      `only ${soft} at once, and each connection is one: raise the limit (ulimit -n, LimitNOFILE) to ${OPEN_FILES_MIN} or more`,
    ),
  ];
}

function coreFiles(limits: string): readonly Finding[] {
  const soft = softLimit(limits, 'Max core file size');
  if (soft === null || soft === 0) return [];
  return [fine('core files', 'allowed: a service leaves no memory in its own, and `ulimit -c 0` (systemd: LimitCORE=0) none at all')];
}

/** null: not known on this system. */
function softLimit(limits: string, name: string): number | null {
  const [, written] = new RegExp(`^${name}\\s+(\\S+)`, 'm').exec(limits) ?? [];
  if (written === undefined) return null;
  return written === 'unlimited' ? Number.POSITIVE_INFINITY : Number(written);
}

/** Empty where the system has no such file. */
function readLimits(): string {
  try {
    return readFileSync('/proc/self/limits', 'utf8');
  } catch {
    return '';
  }
}
