import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { AuditLog, type AuditLogOptions } from '../../src/audit/audit-log.ts';
import { type AuditRecord, chained, type Head, NO_HEAD } from '../../src/audit/chain.ts';
import { type Verification, Verifier } from '../../src/audit/verify.ts';

export const START = Date.UTC(2026, 0, 1);

/** A path in a folder of its own, gone when the test is over. */
export function newFile(name = 'audit.log'): string {
  const folder = mkdtempSync(join(tmpdir(), 'keylease-audit-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, name);
}

/** A log that is closed when the test is over. */
export function newLog(open: AuditLogOptions['open'], onHealth: AuditLogOptions['onHealth'] = () => {}): AuditLog {
  const log = new AuditLog({ open, now: () => START, onHealth });
  onTestFinished(() => log.close());
  return log;
}

/** The lines of a chain, without their ends. */
export function chain(records: readonly AuditRecord[], head: Head = NO_HEAD): string[] {
  let last = head;
  return records.map((record) => {
    const next = chained(last, START, record);
    last = next.head;
    return next.line.slice(0, -1);
  });
}

/** What is found in a text, as the lines of one file called `f`. */
export function verified(text: string, awaited?: string): Verification {
  const verifier = new Verifier(awaited);
  const lines = text.split('\n');
  const rest = lines.pop() as string;
  const taken = lines.every((line, at) => verifier.take(line, `f:${at + 1}`));
  if (taken) verifier.takeRest(rest, `f:${lines.length + 1}`);
  return verifier.result();
}
