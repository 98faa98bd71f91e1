import type { Logger } from 'pino';
import { AuditLog } from '../audit/audit-log.ts';
import { openAuditFile, openAuditOutput } from '../audit/sink.ts';
import type { AuditSettings } from '../config/config.ts';
import type { Store } from '../store/store.ts';
import type { Readiness } from './readiness.ts';

/** Opens the audit that the settings name; while it cannot be written the process is not ready. null: there is none. */
export async function openAudit(settings: AuditSettings | null, store: Store, readiness: Readiness, log: Logger): Promise<AuditLog | null> {
  if (settings === null) return null;
  const open = () => (settings.kind === 'stdout' ? openAuditOutput() : openAuditFile(settings.path, settings.fsync));
  const onHealth = (cause: Error | null) => {
    readiness.show('audit', cause);
    if (cause !== null) log.error({ err: cause }, 'the audit cannot be written: no key is leased until it can');
    else log.info('the audit is open');
  };
  try {
    return new AuditLog({ open, now: () => store.now(), onHealth });
  } catch (error) {
    await store.close();
    throw error;
  }
}
