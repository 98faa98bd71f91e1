import { type Lease, leaseStateToJSON } from '../generated/keylease/v1/lease.ts';
import { type Column, type Layout, table } from './table.ts';
import { number, relative, word } from './words.ts';

export const leaseStateWord = (lease: Lease): string => word('LEASE_STATE_', leaseStateToJSON(lease.state));

const LEASE_TITLE = 'lease';

/** A table of leases, a line each. An id is long, and of no use in part: where ids do not fit, it says how to see them. */
export function leaseTable(leases: readonly Lease[], now: number, layout: Layout): string {
  const columns: Column<Lease>[] = [
    { title: 'key', importance: 9, cell: (lease) => lease.keyId },
    { title: 'holder', importance: 7, cell: (lease) => lease.holder },
    { title: 'model class', importance: 3, cell: (lease) => lease.modelClass },
    {
      title: 'requests',
      importance: 4,
      right: true,
      cell: (lease) => `${number(lease.requestsReported)}/${number(lease.requestsReserved)}`,
    },
    { title: 'granted', importance: 5, cell: (lease) => relative(lease.acquireTime, now) },
    { title: 'ends', importance: 6, cell: (lease) => relative(lease.expireTime, now) },
    { title: LEASE_TITLE, importance: 1, cell: (lease) => lease.leaseId },
  ];
  if (leases.length === 0) return 'No leases.';
  const lines = table(columns, leases, layout);
  const hasIds = lines.slice(0, lines.indexOf('\n')).endsWith(LEASE_TITLE.toUpperCase());
  return hasIds ? lines : `${lines}\n\nThe ids do not fit here: add --json, or pipe this to another command.`;
}

/** One line about a lease: `lease l-1 on team-a is active, ends in 60s`. */
export function leaseSentence(lease: Lease | undefined, now: number): string {
  if (lease === undefined) return 'the lease is unknown';
  const active = leaseStateWord(lease) === 'active';
  return `lease ${lease.leaseId} on ${lease.keyId} is ${leaseStateWord(lease)}${active ? `, ends ${relative(lease.expireTime, now)}` : ''}`;
}
