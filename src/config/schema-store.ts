import { isIP } from 'node:net';
import * as z from 'zod';
import type { RedisSettings, StoreSettings } from './config.ts';
import { duration, expected, flag, id, mapping, oneOf, refuse, tcpAddress } from './fields.ts';
import { secret } from './schema-secret.ts';
import { ClientTlsFiles } from './store-tls.ts';

/** Where leases and what was learnt are kept. */

const STORE_KINDS = ['memory', 'file', 'redis'] as const;
const DURABILITIES = ['ack', 'replicated', 'fsync'] as const;

const optional = (schema: z.ZodType<string>, meta: { default?: string; description: string }) => schema.optional().meta(meta);

const servers = () => z.array(tcpAddress()).min(1);

const url = z.string().transform((text, context) => {
  const parsed = URL.canParse(text) ? new URL(text) : null;
  const path = /^(?:\/(\d{1,5})?)?$/.exec(parsed?.pathname ?? '?');
  const isPlain = parsed !== null && ['redis:', 'rediss:'].includes(parsed.protocol) && parsed.hostname !== '' && parsed.search === '';
  if (!isPlain || path === null)
    return refuse(context, 'expected redis://host:port, or rediss:// for TLS, and at most /NUMBER of a database');
  if (parsed.username !== '' || parsed.password !== '')
    return refuse(context, 'user and password have keys of their own: username, password');
  const host = parsed.hostname.replace(/^\[(.*)\]$/, '$1');
  return { at: { host, port: Number(parsed.port || 6379) }, tls: parsed.protocol === 'rediss:', database: Number(path[1] ?? 0) };
});

const pemFile = (what: string, otherwise: string) =>
  z.string().min(1).optional().describe(`A PEM file with ${what}; a relative path starts at this file's folder. Left out: ${otherwise}.`);

const tlsFiles = mapping({
  ca: pemFile("the authorities that the servers' certificates come from", 'those that Node trusts'),
  cert: pemFile('the certificate that the servers ask of their clients, its chain after it', 'none is shown'),
  key: pemFile('the private key of that certificate, without a passphrase', 'there is none'),
  server_name: z
    .string()
    .regex(/^[A-Za-z0-9._-]{1,253}$/, { error: 'expected a host name' })
    .refine((name) => isIP(name) === 0, 'expected a host name: an address is what is checked where this is left out')
    .optional()
    .describe('The name that is in the certificates, where the servers are reached by another one. Left out: the host connected to.'),
})
  .refine(({ cert, key }) => cert === undefined || key !== undefined, { path: ['cert'], error: 'needs key' })
  .refine(({ cert, key }) => key === undefined || cert !== undefined, { path: ['key'], error: 'needs cert' });

/** The keys that only a store of kind redis has. */
const redis = {
  url: url.optional().describe('One server: redis://host:port, or rediss:// for TLS; /NUMBER names a database.'),
  sentinels: mapping({
    name: z.string().min(1).describe('What the Sentinels call the primary.'),
    hosts: servers().describe('Where Sentinels listen: host:port, one or more.'),
    tls: flag().optional().describe('Talk TLS to the Sentinels. Default: as to the servers, with the same files.'),
    username: optional(z.string().min(1), {
      description: 'The user of the Sentinels, which have users of their own. Left out: their default user.',
    }),
    password: secret().optional().describe('The password of that user, in the same forms as that of the servers. Left out: none.'),
  })
    .optional()
    .describe('A primary that Sentinels name.'),
  cluster: servers().optional().describe('Nodes of a Cluster: host:port, one or more; the others are found through them.'),
  prefix: id().optional().meta({
    default: 'keylease',
    description: 'In front of every key, so that several installations can share a server. Default keylease.',
  }),
  tls: z
    .union([flag(), tlsFiles], { error: expected('true, false, or { ca: FILE, cert: FILE, key: FILE, server_name: NAME }') })
    .optional()
    .describe('Talk TLS to the servers: true, or what to trust and to show. Default: only where the url says rediss://.'),
  username: optional(z.string().min(1), { description: 'The user of the servers. Left out: their default user.' }),
  password: secret()
    .optional()
    .describe('The password of that user: text, { env: NAME }, { file: PATH }, { credential: NAME } or { vault: … }. Left out: none.'),
  durability: oneOf('durability', DURABILITIES).optional().meta({
    default: 'ack',
    description:
      'When an answer may leave: ack: the primary has it; replicated: another server has it too; fsync: it is on the disk of the primary (Redis 7.2, Valkey 7.2). Default ack.',
  }),
  timeout: duration('50ms', '10s').optional().meta({
    default: '500ms',
    description: 'After so long without an answer the store counts as lost, 50ms to 10s. Default 500ms.',
  }),
};

const REDIS_KEYS = Object.keys(redis) as (keyof typeof redis)[];

/** Passwords and the files of TLS are left to be filled in: they are read elsewhere. */
export const store = mapping({
  kind: oneOf('kind of store', STORE_KINDS)
    .prefault('file')
    .describe('file: survives restarts; redis: several replicas share it; memory: forgets everything. Default file.'),
  path: z.string().min(1).optional().meta({
    default: './data',
    description: 'Folder of the file store, as written: a relative one starts at the working directory. Default ./data.',
  }),
  ...redis,
}).transform((written, context): StoreSettings => {
  const { kind, path } = written;
  const misplace = (name: string, owner: string) =>
    context.addIssue({ code: 'custom', path: [name], message: `only a store of kind ${owner} has ${name === 'path' ? 'a path' : name}` });
  if (kind !== 'file' && path !== undefined) misplace('path', 'file');
  if (kind !== 'redis') for (const name of REDIS_KEYS) if (written[name] !== undefined) misplace(name, 'redis');
  if (kind === 'memory') return { kind };
  if (kind === 'file') return { kind, path: path ?? './data' };
  const places = placesOf(written);
  const [place] = places;
  if (place === undefined || places.length > 1) return refuse(context, 'expected one of url, sentinels and cluster');
  if (written.tls === false && written.url?.tls) context.addIssue({ code: 'custom', path: ['tls'], message: 'the url says rediss://' });
  const tls = tlsOf(written.tls ?? written.url?.tls ?? false);
  return {
    ...{ kind, place, prefix: written.prefix ?? 'keylease', tls, sentinels: sentinelsOf(written.sentinels, tls) },
    ...{ database: written.url?.database ?? 0, username: written.username ?? null, password: null },
    ...{ durability: written.durability ?? 'ack', timeoutMs: written.timeout ?? 500 },
  };
});

function tlsOf(written: NonNullable<z.output<typeof redis.tls>>): RedisSettings['tls'] {
  if (written === false) return null;
  return { serverName: (written !== true && written.server_name) || null, files: new ClientTlsFiles(null, null, null) };
}

function sentinelsOf(written: z.output<typeof redis.sentinels>, tls: RedisSettings['tls']): RedisSettings['sentinels'] {
  if (written === undefined) return null;
  return { username: written.username ?? null, password: null, tls: tlsOf(written.tls ?? tls !== null) };
}

type Written = { readonly [K in 'url' | 'sentinels' | 'cluster']?: z.output<(typeof redis)[K]> | undefined };

function placesOf({ url, sentinels, cluster }: Written): RedisSettings['place'][] {
  return [
    ...(url === undefined ? [] : [{ kind: 'single' as const, at: url.at }]),
    ...(sentinels === undefined ? [] : [{ kind: 'sentinel' as const, name: sentinels.name, sentinels: sentinels.hosts }]),
    ...(cluster === undefined ? [] : [{ kind: 'cluster' as const, nodes: cluster }]),
  ];
}
