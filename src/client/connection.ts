import { resolve } from 'node:path';
import { Channel, ChannelCredentials } from '@grpc/grpc-js';
import { type CallOptions, type Client, type ClientMiddlewareCall, createClientFactory, Metadata } from 'nice-grpc';
import { KeyLeaseServiceDefinition } from '../generated/keylease/v1/key_lease_service.ts';
import type { KeyLeaseOptions, TlsOptions } from './options.ts';
import { tlsCredentials } from './tls-credentials.ts';

export type Service = Client<KeyLeaseServiceDefinition>;

export interface Connection {
  readonly service: Service;
  close(): void;
}

/** A server that comes back is found soon; one that is gone without a word is noticed. */
const CHANNEL_OPTIONS = {
  'grpc.enable_channelz': 0,
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 2_000,
  'grpc.keepalive_time_ms': 60_000,
  'grpc.keepalive_timeout_ms': 20_000,
  'grpc.use_local_subchannel_pool': 1,
};

/** Connects when the first call is made. Throws where the address is none. */
export function connect({ address, tls, token }: Pick<KeyLeaseOptions, 'address' | 'tls' | 'token'>): Connection {
  const serverName = typeof tls === 'object' ? tls.serverName : undefined;
  const named = serverName === undefined ? {} : { 'grpc.ssl_target_name_override': serverName, 'grpc.default_authority': serverName };
  const target = targetOf(address);
  const channel = new Channel(target, credentialsOf(serverName ?? target, tls), { ...CHANNEL_OPTIONS, ...named });
  const factory = token === undefined ? createClientFactory() : createClientFactory().use(bearer(token));
  return { service: factory.create(KeyLeaseServiceDefinition, channel), close: () => channel.close() };
}

/** The address as gRPC writes it: a path by its three slashes, for with one it would be taken for a host. */
export function targetOf(address: string): string {
  const path = /^unix:(?:\/\/)?(?<path>.+)$/.exec(address)?.groups?.path;
  if (path !== undefined) return `unix://${resolve(path)}`;
  if (/^[a-z][a-z\d+.-]*:\/{2,3}\S+$/i.test(address) && !/^https?:/i.test(address)) return address;
  if (/^(?:\[[\da-f:.]+\]|[^\s:/]+):\d{1,5}$/i.test(address)) return address;
  throw new TypeError(`${JSON.stringify(address)} is no address of a server: expected host:port or unix:/path`);
}

function credentialsOf(target: string, tls: TlsOptions | boolean | undefined): ChannelCredentials {
  if (tls === undefined || tls === false) return ChannelCredentials.createInsecure();
  const { ca, cert, key } = tls === true ? {} : tls;
  if ((cert === undefined) !== (key === undefined)) throw new TypeError('tls: cert and key belong together, one of them is missing');
  return tlsCredentials(target, { ca: bytesOf(ca), key: bytesOf(key), cert: bytesOf(cert) });
}

function bytesOf(pem: string | Uint8Array | undefined): Buffer | null {
  if (pem === undefined) return null;
  return typeof pem === 'string' ? Buffer.from(pem) : Buffer.from(pem);
}

function bearer(token: NonNullable<KeyLeaseOptions['token']>) {
  return async function* <Request, Response>(call: ClientMiddlewareCall<Request, Response>, options: CallOptions) {
    const metadata = Metadata(options.metadata).set('authorization', `Bearer ${typeof token === 'string' ? token : await token()}`);
    return yield* call.next(call.request, { ...options, metadata });
  };
}
