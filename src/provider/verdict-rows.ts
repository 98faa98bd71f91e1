import type { VerdictRow } from '../pool/upstream.ts';

/** A limit of the organization, project or account that the key belongs to. */
export const GROUP_LIMITED: VerdictRow = { status: [429], verdict: 'rate_limited', scope: 'limit_group', until: 'wait_in_body' };

/** A request that exceeds the whole limit: no wait and no other key would let it through. */
export const NEVER_FITS: VerdictRow = { status: [429, 413], match: /request too large/i, verdict: 'client_error', scope: 'request' };
