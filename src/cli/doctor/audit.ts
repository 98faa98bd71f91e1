import { accessSync, constants, existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { openAuditFile } from '../../audit/sink.ts';
import type { AuditSettings } from '../../config/config.ts';
import { type Finding, fault, fine, warning } from './finding.ts';

/** Whether the audit can be gone on with; nothing is written. */
export function checkAudit(settings: AuditSettings | null): readonly Finding[] {
  if (settings === null) return [fine('audit', 'off')];
  if (settings.kind === 'stdout') return [fine('audit', 'to standard output, each run a chain of its own')];
  try {
    return [existsSync(settings.path) ? lastLine(settings.path) : place(settings.path)];
  } catch (error) {
    return [fault('audit', (error as Error).message)];
  }
}

function lastLine(path: string): Finding {
  const { left, torn, close } = openAuditFile(path, false);
  close();
  if (torn !== null) return warning('audit', `${path}: its last line was never finished, which the next start will tell there`);
  return fine('audit', `${path}: ${left === null ? 'empty' : `goes on from record ${left.seq}`}`);
}

function place(path: string): Finding {
  accessSync(dirname(resolve(path)), constants.W_OK);
  return fine('audit', `${path}: nothing there yet, the first start makes it`);
}
