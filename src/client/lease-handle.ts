import type { Report } from './report.ts';

/** What the server advises to do about a call that was reported. */
export interface Advice {
  readonly action: 'none' | 'other_key' | 'after_delay' | 'do_not_retry';
  readonly delayMs: number;
}

/** What a program may do with its lease beside using the key. Without any of it the lease is reported from what the call returned or threw. */
export interface LeaseHandle {
  /** Empty for the fallback key. */
  readonly id: string;
  readonly keyId: string;
  readonly modelClass: string;
  /** Tells what the provider answered; null: no server took the report. */
  report(report: Report): Promise<Advice | null>;
  /** Gives the lease back: nothing was sent. */
  release(): void;
}
