import type { Config } from '../../config/config.ts';
import { defaultLimits } from '../../config/schema-limits.ts';
import { Secret } from '../../config/secret.ts';

/** A key of the demo and the organization that only the provider knows of. */
export interface DemoKey {
  readonly id: string;
  readonly secret: string;
  readonly organization: string;
}

/** Four keys of three organizations, which keylease has to find out. */
export const DEMO_KEYS: readonly DemoKey[] = [
  { id: 'alpha', secret: 'stand-in-secret-alpha', organization: 'org-red' },
  { id: 'beta', secret: 'stand-in-secret-beta', organization: 'org-red' },
  { id: 'gamma', secret: 'stand-in-secret-gamma', organization: 'org-green' },
  { id: 'delta', secret: 'stand-in-secret-delta', organization: 'org-blue' },
];

/** A server on a free loopback port that remembers nothing and knows no limit of its keys. */
export function demoConfig(): Config {
  return {
    listen: [{ kind: 'tcp', host: '127.0.0.1', port: 0 }],
    adminListen: null,
    socketMode: 0o600,
    tls: null,
    auth: null,
    access: [],
    ops: null,
    store: { kind: 'memory' },
    audit: null,
    limits: defaultLimits,
    drainTimeoutMs: 1_000,
    logLevel: 'error',
    logCalls: 'none',
    otlp: null,
    files: new Map(),
    warnings: [],
    pools: [
      {
        id: 'demo',
        provider: 'anthropic',
        strategy: 'least_loaded',
        leaseTtlMs: 30_000,
        leaseTtlMaxMs: 60_000,
        waitMaxMs: 10_000,
        waitersMax: 1_000,
        waitersPerHolderMax: 1_000,
        unhealthyAfter: 1,
        baseUrl: null,
        modelClasses: null,
        keys: DEMO_KEYS.map(({ id, secret }, order) => ({
          id,
          order,
          secret: new Secret('demo', id, secret),
          limitGroup: null,
          weight: 1,
          priority: 0,
          leasesMax: 100,
          limits: [],
        })),
      },
    ],
  };
}
