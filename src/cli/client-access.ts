import { readFileSync } from 'node:fs';
import { ChannelCredentials } from '@grpc/grpc-js';
import { type CallOptions, type ClientMiddlewareCall, Metadata } from 'nice-grpc';
import { tlsCredentials } from '../client/tls-credentials.ts';
import { isLocal, parseListenAddress } from '../config/address.ts';
import { usageMistake } from './failure.ts';
import type { Io } from './io.ts';

/** How a verb shows a server who it is, as the options name it. Never a secret itself: arguments are seen by everybody. */
export interface AccessOptions {
  readonly tlsCa?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly tokenFile?: string;
}

/** How a connection is made and what is shown on it. */
export interface ClientAccess {
  readonly credentials: ChannelCredentials;
  /** null: none is shown. */
  readonly token: string | null;
}

/** Trusts the authorities of the system. */
const SYSTEM = 'system';

/** Plain and without a name, as a server without tls and auth wants it. */
export const PLAIN: ClientAccess = { credentials: ChannelCredentials.createInsecure(), token: null };

/** What the options and the environment say. Throws Failure where a file cannot be read, or a token would travel in plain text. */
export function clientAccess({ tlsCa, tlsCert, tlsKey, tokenFile }: AccessOptions, address: string, env: Io['env']): ClientAccess {
  if ((tlsCert === undefined) !== (tlsKey === undefined)) throw usageMistake('--tls-cert and --tls-key go together');
  if (tlsCert !== undefined && tlsCa === undefined)
    throw usageMistake(`--tls-cert needs --tls-ca: the authority of the server, or ${SYSTEM}`);
  const token = tokenFile === undefined ? env.KEYLEASE_TOKEN || null : read(tokenFile, '--token-file').toString('utf8').trim();
  if (token !== null && !/^[!-~]+$/.test(token)) throw usageMistake('the token is empty, or has white space or letters beyond ASCII');
  const parsed = parseListenAddress(address);
  const isUnix = parsed.ok && parsed.address.kind === 'unix';
  if (tlsCa === undefined || isUnix) {
    const isHere = parsed.ok && isLocal(parsed.address);
    if (token !== null && !isHere) throw usageMistake(`the token would travel to ${address} in plain text: add --tls-ca`);
    return { ...PLAIN, token };
  }
  const roots = tlsCa === SYSTEM ? null : read(tlsCa, '--tls-ca');
  const key = tlsKey === undefined ? null : read(tlsKey, '--tls-key');
  const cert = tlsCert === undefined ? null : read(tlsCert, '--tls-cert');
  try {
    return { credentials: tlsCredentials(address, { ca: roots, key, cert }), token };
  } catch {
    throw usageMistake('the files of --tls-ca, --tls-cert and --tls-key are not PEM, or do not belong together');
  }
}

/** Client middleware that shows a token with every call. */
export function showing(token: string | null) {
  return async function* show<Request, Response>(call: ClientMiddlewareCall<Request, Response>, options: CallOptions) {
    if (token === null) return yield* call.next(call.request, options);
    return yield* call.next(call.request, { ...options, metadata: Metadata(options.metadata).set('authorization', `Bearer ${token}`) });
  };
}

function read(path: string, option: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw usageMistake(`the file ${path} of ${option} cannot be read: ${(error as NodeJS.ErrnoException).code}`);
  }
}
