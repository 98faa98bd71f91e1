import { isLocal } from './address.ts';
import type { ListenAddress } from './config.ts';
import { field } from './draft.ts';
import type { Finding, Path } from './mistake.ts';

/** An address as it is written, and where. */
export interface WrittenAddress {
  readonly path: Path;
  readonly address: ListenAddress;
}

const EXPOSED =
  'other machines can reach this address, and calls are only served there with tls and auth; `insecure: true` allows it all the same';
const EXPOSED_PAGE =
  'other machines can reach this address, and the page asks nobody who looks: give it a `token`; `insecure: true` allows it all the same';

/** What only shows when tls, auth, access and the addresses are seen together. */
export function authFindings(tree: unknown, addresses: readonly WrittenAddress[]): Finding[] {
  const [tls, auth, access] = ['tls', 'auth', 'access'].map((name) => field(tree, name));
  const isServed = ({ path }: WrittenAddress) => path[0] !== 'ops';
  const isInsecure = [true, 'true'].includes(field(tree, 'insecure') as never);
  const isGuarded = tls !== undefined && auth !== undefined;
  const hasToken = field(field(tree, 'ops'), 'token') !== undefined;
  const findings: Finding[] = [];
  for (const written of addresses) {
    if (isInsecure || isLocal(written.address) || (isServed(written) ? isGuarded : hasToken)) continue;
    findings.push({ path: written.path, message: isServed(written) ? EXPOSED : EXPOSED_PAGE });
  }
  if (auth !== undefined && access === undefined)
    findings.push({ path: ['auth'], message: 'needs access: without a list of grants nobody may do anything' });
  if (access !== undefined && auth === undefined)
    findings.push({ path: ['access'], message: 'needs auth: without it nobody knows who calls' });
  if (field(auth, 'mtls') !== undefined && field(tls, 'client_ca') === undefined)
    findings.push({ path: ['auth', 'mtls'], message: 'needs tls.client_ca: the authorities whose client certificates are trusted' });
  if (field(auth, 'unix') !== undefined && !addresses.some((written) => isServed(written) && written.address.kind === 'unix'))
    findings.push({ path: ['auth', 'unix'], message: 'needs an address unix:/path in listen' });
  return findings;
}
