import * as z from 'zod';
import { expected, listenAddress, mapping, wholeNumber } from './fields.ts';

/** Who may call, and what for: the sections tls, auth and access of the configuration. */

const PATTERN = /^(?!(?:[^*]*\*\*?){5})[\x21-\x7e]{1,256}$/;
/** Without a colon, so that no such name can pass for a SPIFFE id or for the holder of a JWT. */
const HOLDER = /^(?!anonymous$)[A-Za-z0-9][A-Za-z0-9._@/-]{0,127}$/;
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'] as const;
const VERBS = ['acquire', 'report', 'mark', 'admin'] as const;
const SOCKET_MODES = ['0600', '0660', '0666'];

const HOLDER_RULE = 'expected 1 to 128 letters, digits, dots, underscores, hyphens, slashes or @, and not `anonymous`';

function holderName() {
  return z.string().regex(HOLDER, { error: HOLDER_RULE });
}

function file(what: string) {
  return z
    .string()
    .min(1)
    .describe(`${what}; at most 1 MiB. A relative path starts at this file's folder. It is watched: a new one takes effect by itself.`);
}

const pattern = () => z.string().regex(PATTERN, { error: 'expected 1 to 256 characters without white space, with at most four stars' });

export const tlsSection = mapping({
  cert: file('PEM file of the certificate of the server, with its chain'),
  key: file('PEM file of the private key of the certificate'),
  client_ca: file(
    'PEM file of the authorities whose client certificates are trusted. Left out: clients are not asked for a certificate',
  ).optional(),
  require_client_cert: z.boolean().prefault(false).describe('Refuse connections without a client certificate of client_ca. Default false.'),
})
  .refine(({ client_ca, require_client_cert }) => client_ca !== undefined || !require_client_cert, {
    path: ['require_client_cert'],
    error: 'needs client_ca',
  })
  .optional()
  .describe('TLS 1.2 or later on every TCP address that calls arrive on. Left out: plain text. Unix sockets are always plain.');

const mtls = mapping({
  trust_domain: z
    .string()
    .regex(/^[a-z0-9._-]{1,255}$/, { error: 'expected small letters, digits, dots, hyphens or underscores, without spiffe://' })
    .describe('The SPIFFE trust domain of client certificates, as in acme.example.'),
  paths: z
    .array(pattern())
    .min(1)
    .prefault(['/**'])
    .describe('Which paths of SPIFFE ids are holders: * is any text within a segment, ** any text. Default /**.'),
});

const jwt = mapping({
  issuer: z.string().min(1).max(512).describe('The iss that a JWT must have.'),
  audience: z.string().min(1).max(512).describe('The aud that a JWT must have.'),
  jwks_url: z
    .string()
    .refine(isSafeUrl, 'expected an https URL, or http on a loopback address')
    .optional()
    .describe(
      'Where the keys of the issuer are: https, or http on loopback. Kept for 10 minutes, fetched at most every 30 seconds, after a failure every 5.',
    ),
  jwks_file: file('The keys of the issuer as a JSON Web Key Set').optional(),
  algorithms: z
    .array(z.enum(ALGORITHMS, { error: expected(`one of ${ALGORITHMS.join(', ')}`) }))
    .min(1)
    .prefault(['RS256', 'ES256', 'EdDSA'])
    .describe('The signatures that are accepted, all of them asymmetric. Default RS256, ES256, EdDSA.'),
  holder_claim: z
    .string()
    .regex(/^[A-Za-z0-9_.:/-]{1,64}$/)
    .prefault('sub')
    .describe('The claim that names the holder; the holder is `jwt:` and its value. Default sub.'),
}).refine(({ jwks_url, jwks_file }) => (jwks_url === undefined) !== (jwks_file === undefined), {
  error: 'expected either jwks_url or jwks_file',
});

export const authSection = mapping({
  mtls: mtls
    .optional()
    .describe('Holders by client certificate: the one SPIFFE id among its URI names, never the common name. Needs tls.client_ca.'),
  tokens: mapping({ file: file('The list of tokens that `keylease token create` appends to, with hashes alone') })
    .optional()
    .describe('Holders by bearer token.'),
  jwt: jwt.optional().describe('Holders by JSON Web Token of one issuer; a token must expire and may last 24 hours at most.'),
  unix: mapping({ holder: holderName().describe('The holder of whoever may open the socket, which socket_mode decides.') })
    .optional()
    .describe('A holder for every caller on a unix socket that shows neither token nor JWT.'),
})
  .refine((methods) => Object.values(methods).some((method) => method !== undefined), {
    error: 'expected at least one of mtls, tokens, jwt, unix',
  })
  .optional()
  .describe('How callers say who they are. Left out: nobody has to, and everybody is `anonymous` and may do everything.');

const caps = mapping({
  max_leases: wholeNumber(1, 1_000_000).optional().describe('Leases of one pool under way at once, 1 to 1000000. Left out: no bound.'),
  max_waiters: wholeNumber(0, 1_000_000)
    .optional()
    .describe('Calls of one pool in line at once, 0 to 1000000. Left out: the bound of the pool alone.'),
  requests_per_second: wholeNumber(1, 1_000_000).optional().describe('Calls a second, 1 to 1000000. Left out: no bound.'),
  burst: wholeNumber(1, 1_000_000)
    .optional()
    .describe('Calls that may come at once after a pause, 1 to 1000000. Left out: as many as requests_per_second.'),
  max_in_flight: wholeNumber(1, 1_000_000)
    .optional()
    .describe('Calls being answered at once, those in line among them, 1 to 1000000. Left out: no bound.'),
  max_priority: wholeNumber(-(2 ** 31), 2 ** 31 - 1)
    .optional()
    .describe('The highest priority that an acquire may ask for; a higher one is PERMISSION_DENIED. Left out: no bound.'),
}).refine(({ burst, requests_per_second }) => burst === undefined || requests_per_second !== undefined, {
  path: ['burst'],
  error: 'needs requests_per_second',
});

const grant = mapping({
  holders: z.array(pattern()).min(1).describe('Patterns of holders: * is any text without a slash, ** any text.'),
  pools: z.array(pattern()).min(1).prefault(['**']).describe('Patterns of pools. Default **: every pool.'),
  verbs: z
    .array(z.enum(VERBS, { error: expected(`one of ${VERBS.join(', ')}`) }))
    .min(1)
    .describe(
      'What they may do. acquire: lease, renew and release; report; mark: take the key of an own lease out; admin: everything of operators.',
    ),
  caps: caps.prefault({}).describe('How much each of these holders may have or do under this grant.'),
});

export const accessSection = z
  .array(grant)
  .min(1)
  .optional()
  .describe('Who may do what. The first grant that allows a call counts, and its caps; what none allows is forbidden. Needs auth.');

export const adminListen = listenAddress()
  .optional()
  .describe('An address for operators: PoolAdminService is served there alone, as host:port or unix:/path. Left out: on every address.');

export const socketMode = z
  .preprocess((value) => (typeof value === 'number' ? String(value).padStart(4, '0') : value), z.string())
  .refine((text) => SOCKET_MODES.includes(text), `expected one of ${SOCKET_MODES.join(', ')}`)
  .prefault('0600')
  .transform((text) => Number.parseInt(text, 8))
  .describe('Who may open unix sockets: 0600 the owner, 0660 the group of the folder as well, 0666 everybody. Default 0600.');

/** One line of a file of tokens. */
const tokenLine = mapping({
  id: z.string().regex(/^[a-z0-9]{8,32}$/, { error: 'expected 8 to 32 small letters and digits' }),
  hash: z.string().regex(/^[0-9a-f]{64}$/, { error: 'expected 64 hex digits' }),
  holder: holderName(),
  created: time(),
  expires: time().optional(),
});

/** The tokens of a file, one line each. */
export const tokenLines = z.array(tokenLine);

function time() {
  return z.iso.datetime({ error: 'expected a time as in 2027-01-31T00:00:00Z' }).transform((text) => Date.parse(text));
}

const LOOPBACK_HOST = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;

function isSafeUrl(text: string): boolean {
  const url = URL.parse(text);
  if (url === null || url.username !== '' || url.password !== '') return false;
  return url.protocol === 'https:' || (url.protocol === 'http:' && LOOPBACK_HOST.test(url.hostname));
}
