import * as z from 'zod';
import { baseUrl, duration, expected, flag, id, listenAddress, mapping, wholeNumber } from './fields.ts';
import { audit } from './schema-audit.ts';
import { accessSection, adminListen, authSection, socketMode, tlsSection } from './schema-auth.ts';
import { limits as callerLimits } from './schema-limits.ts';
import { logSection, opsSection, telemetrySection } from './schema-ops.ts';
import { secret, vault } from './schema-secret.ts';
import { store } from './schema-store.ts';

/** Shape, bounds and defaults of the configuration file, after its variables were replaced. Every text here is shown by editors. */

const DEFAULT_STRATEGY = 'least_loaded';

const count = () => wholeNumber(1, Number.MAX_SAFE_INTEGER);

const windowedLimit = mapping({
  limit: count().describe('How much one window allows.'),
  window: duration('1s', '31d').prefault('60s').describe('The time over which it is counted, 1s to 31d. Default 60s.'),
});

const LIMIT = 'a whole number above 0 (a minute), { limit, window }';

const limit = (what: string) =>
  z
    .union([count(), windowedLimit, z.array(z.union([count(), windowedLimit], { error: expected(LIMIT) })).min(1)], {
      error: expected(`${LIMIT}, or a list of these`),
    })
    .transform((written) =>
      (Array.isArray(written) ? written : [written]).map((one) =>
        typeof one === 'number' ? { limit: one, windowMs: 60_000 } : { limit: one.limit, windowMs: one.window },
      ),
    )
    .refine((limits) => new Set(limits.map(({ windowMs }) => windowMs)).size === limits.length, 'two limits have the same window')
    .optional()
    .describe(`${what}: a number is for each minute; or { limit, window }; or a list of these for several windows at once.`);

const limits = mapping({
  requests: limit('Requests'),
  input_tokens: limit('Input tokens'),
  output_tokens: limit('Output tokens'),
  tokens: limit('Input and output tokens together, where the provider limits the sum'),
});

const UPSTREAM = `The upstream credential: \${NAME} from the environment, { env: NAME }, { file: PATH }, { credential: NAME } or { vault: { path, field } }.`;

const key = mapping({
  id: id().describe('Names the key in answers, metrics and commands; unique in its pool.'),
  secret: secret().describe(UPSTREAM),
  limit_group: id()
    .optional()
    .describe(
      'Keys with the same group draw on one allowance, as the keys of one organization do. Left out: its own, until responses name an account.',
    ),
  weight: wholeNumber(1, 1000).prefault(1).describe('Its share under the strategy weighted, 1 to 1000. Default 1.'),
  priority: wholeNumber(-(2 ** 31), 2 ** 31 - 1)
    .prefault(0)
    .describe('Higher goes first; a lower one serves only while no higher one has room. Default 0.'),
  max_leases: wholeNumber(1, 1_000_000).prefault(100).describe('Leases out at once, at most, 1 to 1000000. Default 100.'),
  limits: limits
    .prefault({})
    .describe('What the provider allows, until its responses say it themselves. Left out: no limit is known at first.'),
});

const lease = mapping({
  ttl: duration('1s', '24h').prefault('60s').describe('How long a lease lasts where the caller does not say, 1s to 24h. Default 60s.'),
  max_ttl: duration('1s', '24h').prefault('15m').describe('The longest that a caller may ask for, 1s to 24h. Default 15m.'),
}).refine(({ ttl, max_ttl }) => ttl <= max_ttl, { path: ['ttl'], error: 'longer than max_ttl (15m where it is left out)' });

const waiting = mapping({
  max_wait: duration('0s', '10m').prefault('30s').describe('How long a caller may wait in line for room, 0s to 10m. Default 30s.'),
  max_waiters: wholeNumber(0, 1_000_000).prefault(1000).describe('Callers in line at once, at most, 0 to 1000000. Default 1000.'),
  max_waiters_per_holder: wholeNumber(0, 1_000_000)
    .optional()
    .describe('Callers of one holder in line at once, at most, 0 to 1000000. Left out: as many as max_waiters.'),
});

const modelClass = mapping({
  id: id().describe('Names the class; unique in its pool.'),
  models: z.array(z.string().min(1)).min(1).describe('The models of the class; * stands for any text.'),
});

const pool = mapping({
  id: id().describe('Names the pool; callers that name none get the only pool, or the one called default.'),
  provider: z.string().describe('Whose keys these are, such as anthropic or openai.'),
  base_url: baseUrl()
    .optional()
    .describe(
      "Where callers find the provider, told with each lease: https, or http on a loopback address. Left out: the provider's own address.",
    ),
  strategy: z
    .string()
    .nullable()
    .prefault(DEFAULT_STRATEGY)
    .transform((name) => name || DEFAULT_STRATEGY)
    .describe('How a key is chosen among those with room. Default (also where empty) least_loaded.'),
  lease: lease.prefault({}).describe('How long leases last.'),
  waiting: waiting.prefault({}).describe('The line of callers that wait for room.'),
  unhealthy_after: wholeNumber(1, 1000)
    .prefault(1)
    .describe('How many distinct holders must report a dead credential before the key goes, 1 to 1000. Default 1.'),
  model_classes: z.array(modelClass).optional().describe("Which models share an allowance. Left out: the provider's own table."),
  keys: z.array(key).min(1).describe('At least one.'),
});

export const configSchema = mapping({
  listen: z
    .union([listenAddress(), z.array(listenAddress()).min(1)], { error: expected('an address or a list of addresses') })
    .transform((written) => (Array.isArray(written) ? written : [written]))
    .prefault('127.0.0.1:50051')
    .describe('Where calls arrive: host:port, [::1]:port or unix:/path; one, or a list. Port 0: any free one. Default 127.0.0.1:50051.'),
  admin_listen: adminListen,
  socket_mode: socketMode,
  insecure: flag().prefault(false).describe('Allow TCP addresses that other machines can reach without both tls and auth. Default false.'),
  tls: tlsSection,
  auth: authSection,
  access: accessSection,
  ops: opsSection,
  store: store.prefault({}).describe('Where leases and what was learnt are kept.'),
  audit,
  limits: callerLimits.prefault({}).describe('What callers may take of the server, each bound with its default.'),
  drain_timeout: duration('0s', '10m').prefault('10s').describe('How long SIGTERM waits for calls under way, 0s to 10m. Default 10s.'),
  log: logSection,
  telemetry: telemetrySection,
  vault,
  pools: z.array(pool).min(1).describe('At least one.'),
});

/** The file after shape, bounds and defaults, still in its own words. */
export type FileContent = z.output<typeof configSchema>;
