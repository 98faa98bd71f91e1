import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { tool } from '../support/tool.ts';

const UNIT = 'deploy/systemd/keylease.service';
const analyze = tool('systemd-analyze', 'apt-get install systemd');

/** What systemd says of a unit, in a root that has its own units and a command of this name. */
function complaints(unit: string): string {
  const root = mkdtempSync(join(tmpdir(), 'keylease-unit-'));
  onTestFinished(() => rmSync(root, { recursive: true }));
  for (const folder of ['etc/systemd/system', 'usr/bin', 'usr/lib/systemd', 'bin']) mkdirSync(join(root, folder), { recursive: true });
  symlinkSync('usr/lib', join(root, 'lib'));
  cpSync('/usr/lib/systemd/system', join(root, 'usr/lib/systemd/system'), { recursive: true, verbatimSymlinks: true });
  for (const program of ['usr/bin/keylease', 'bin/kill']) writeFileSync(join(root, program), '#!/bin/sh\n', { mode: 0o755 });
  writeFileSync(join(root, 'etc/systemd/system/keylease.service'), unit);
  const ran = spawnSync(analyze ?? '', ['verify', `--root=${root}`, '--man=no', '/etc/systemd/system/keylease.service'], {
    encoding: 'utf8',
  });
  return `${ran.stderr}${ran.stdout}`;
}

describe.skipIf(analyze === null)('the systemd unit', () => {
  const unit = readFileSync(UNIT, 'utf8');

  test('is understood by systemd, line by line', () => {
    expect(complaints(unit)).toBe('');
  });

  test('is really read: a line that systemd does not know is complained of', () => {
    expect(complaints(unit.replace('ProtectSystem', 'ProtectSytem'))).toContain("Unknown key 'ProtectSytem'");
  });

  test('leaves little exposed', () => {
    const ran = spawnSync(analyze ?? '', ['security', '--offline=true', '--no-pager', '--threshold=20', UNIT], { encoding: 'utf8' });
    expect(ran.stdout).toMatch(/Overall exposure level for keylease\.service: (?:0|1)\.\d/);
    expect(ran.status).toBe(0);
  });
});
