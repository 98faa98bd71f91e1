import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statfsSync } from 'node:fs';
import { cpus, loadavg, release, tmpdir } from 'node:os';
import { join } from 'node:path';

const SERVER_CORE = 0;
const LOAD_CORE = 1;
const TMPFS = 0x01021994;

const canPin = process.platform === 'linux' && cpus().length > 1 && spawnSync('taskset', ['--version']).status === 0;

/** The command, held on the core of the servers where the machine can do that. */
export function onServerCore(command: readonly string[]): readonly string[] {
  return canPin ? ['taskset', '-c', String(SERVER_CORE), ...command] : command;
}

/** Holds this process, which makes the load, on the core beside the servers'. */
export function pinLoad(): void {
  if (canPin) execFileSync('taskset', ['-a', '-c', '-p', String(LOAD_CORE), String(process.pid)], { stdio: 'ignore' });
}

/** A new folder on a disk: where the folder for temporary files is memory, below the working directory. */
export function makeDiskFolder(): string {
  const parent = statfsSync(tmpdir()).type === TMPFS ? join(process.cwd(), 'data') : tmpdir();
  mkdirSync(parent, { recursive: true });
  const folder = mkdtempSync(join(parent, 'keylease-bench-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** What the figures were measured on, for the head of the output. */
export function describeMachine() {
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    system: `${process.platform} ${release()}`,
    node: process.version,
    pinned: canPin ? `servers on core ${SERVER_CORE}, load on core ${LOAD_CORE}` : 'no: servers and load move between cores',
    loadAverage: loadavg()[0] ?? 0,
  };
}

export interface CpuTimes {
  readonly stolen: number;
  readonly all: number;
}

/** Time of all cores so far, and the part that went to other machines on the same hardware; null where the system does not tell. */
export function cpuTimes(): CpuTimes | null {
  if (process.platform !== 'linux') return null;
  const ticks = readFileSync('/proc/stat', 'utf8').split('\n')[0]!.split(/\s+/).slice(1, 9).map(Number);
  return { stolen: ticks[7] ?? 0, all: ticks.reduce((sum, each) => sum + each, 0) };
}
