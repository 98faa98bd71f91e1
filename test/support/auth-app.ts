import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ChannelCredentials, Client, type ClientOptions, Metadata } from '@grpc/grpc-js';
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import pino from 'pino';
import { type App, type AppOptions, startApp } from '../../src/app.ts';
import { mintToken } from '../../src/auth/token.ts';
import { loadConfig } from '../../src/config/load.ts';
import { formatMistake } from '../../src/config/mistake.ts';
import { tokenLineOf } from '../../src/config/token-file.ts';
import { strategyNames } from '../../src/pool/strategy/index.ts';
import { providerNames } from '../../src/provider/index.ts';
import type { ConfigContent } from './app.ts';
import { type Authority, type Issued, makeAuthority } from './pki.ts';

/** A folder with every file that authentication reads, and what made them. */
export interface Papers {
  readonly folder: string;
  readonly authority: Authority;
  /** Signs a JWT that is right but for what is overridden. */
  sign(claims?: JWTPayload, options?: { readonly alg?: string; readonly key?: Parameters<SignJWT['sign']>[0] }): Promise<string>;
  /** The public key with which JWTs are verified, as the file has it. */
  readonly publicKey: string;
  /** Adds a token to the file and answers it. */
  addToken(holder: string, expireTime?: number | null): string;
  /** Takes a token out of the file. */
  removeToken(token: string): void;
  /** Replaces a file at once. */
  write(name: string, text: string): void;
  remove(): void;
}

export const ISSUER = 'https://issuer.test';
export const AUDIENCE = 'keylease';

export async function makePapers(): Promise<Papers> {
  const folder = mkdtempSync(join(tmpdir(), 'keylease-auth-'));
  const write = (name: string, text: string) => {
    writeFileSync(join(folder, `${name}.next`), text);
    renameSync(join(folder, `${name}.next`), join(folder, name));
  };
  const authority = await makeAuthority();
  const server = await authority.issue();
  write('server.pem', server.cert);
  write('server.key', server.key);
  write('ca.pem', authority.pem);
  const keys = await generateKeyPair('ES256', { extractable: true });
  const publicKey = JSON.stringify({ keys: [{ ...(await exportJWK(keys.publicKey)), alg: 'ES256', kid: 'k1' }] });
  write('jwks.json', publicKey);
  const lines = new Map<string, string>();
  const writeTokens = () => write('tokens.yaml', [...lines.values()].join('') || '[]\n');
  writeTokens();
  const sign: Papers['sign'] = async (claims = {}, { alg = 'ES256', key = keys.privateKey } = {}) => {
    const now = Math.floor(Date.now() / 1_000);
    const whole = { iss: ISSUER, aud: AUDIENCE, sub: 'alice', iat: now, exp: now + 600, ...claims };
    const told = Object.fromEntries(Object.entries(whole).filter(([, value]) => value !== undefined));
    return new SignJWT(told).setProtectedHeader({ alg, kid: 'k1' }).sign(key);
  };
  return {
    ...{ folder, authority, sign, publicKey, write },
    addToken: (holder, expireTime = null) => {
      const { token, id, sha256 } = mintToken();
      lines.set(token, tokenLineOf({ id, sha256, holder, createTime: Date.now(), expireTime }));
      writeTokens();
      return token;
    },
    removeToken: (token) => {
      lines.delete(token);
      writeTokens();
    },
    remove: () => rmSync(folder, { recursive: true }),
  };
}

/** The sections tls and auth that name every file of the papers. */
export const GUARDED: ConfigContent = {
  tls: { cert: 'server.pem', key: 'server.key', client_ca: 'ca.pem' },
  auth: {
    mtls: { trust_domain: 'acme.test', paths: ['/ns/*/sa/*'] },
    tokens: { file: 'tokens.yaml' },
    jwt: { issuer: ISSUER, audience: AUDIENCE, jwks_file: 'jwks.json', algorithms: ['ES256'] },
  },
};

export interface AuthApp {
  readonly app: App;
  readonly log: readonly Readonly<Record<string, unknown>>[];
  readonly lines: readonly string[];
}

/** Starts the service from a file in the folder of the papers, as the command does. */
export async function startWithPapers(papers: Papers, content: ConfigContent, options: Pick<AppOptions, 'store'> = {}): Promise<AuthApp> {
  writeConfig(papers, content);
  const read = async () => {
    const reading = await loadConfig(join(papers.folder, 'config.yaml'), {}, { strategies: strategyNames, providers: providerNames });
    return reading.ok ? reading.config : { mistakes: reading.mistakes.map(formatMistake) };
  };
  const config = await read();
  if ('mistakes' in config) throw new Error(config.mistakes.join('\n'));
  const lines: string[] = [];
  const log: Record<string, unknown>[] = [];
  const write = (line: string) => {
    lines.push(line);
    log.push(JSON.parse(line));
  };
  const app = await startApp(config, { ...options, log: pino({ level: 'trace' }, { write }), readConfig: read });
  return { app, log, lines };
}

export function writeConfig(papers: Papers, content: ConfigContent): void {
  const complete = { listen: '127.0.0.1:0', ops: false, store: { kind: 'memory' }, ...content };
  papers.write('config.yaml', JSON.stringify(complete));
}

/** What a caller shows. */
export interface Shown {
  readonly certificate?: Issued;
  /** Values of the `authorization` metadata. */
  readonly authorization?: readonly string[];
}

/** A connection over TLS that shows a certificate or none. */
export function tlsClient(papers: Pick<Papers, 'authority'>, address: string, certificate?: Issued, options: ClientOptions = {}): Client {
  const roots = Buffer.from(papers.authority.pem);
  const credentials =
    certificate === undefined
      ? ChannelCredentials.createSsl(roots)
      : ChannelCredentials.createSsl(roots, Buffer.from(certificate.key), Buffer.from(certificate.cert));
  return new Client(address, credentials, { 'grpc.use_local_subchannel_pool': 1, 'grpc.enable_channelz': 0, ...options });
}

export function metadataOf({ authorization = [] }: Shown): Metadata {
  const metadata = new Metadata();
  for (const value of authorization) metadata.add('authorization', value);
  return metadata;
}

export const bearer = (token: string): Shown => ({ authorization: [`Bearer ${token}`] });
