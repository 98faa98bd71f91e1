import type { Client } from '@grpc/grpc-js';
import { afterAll, beforeAll } from 'vitest';
import { AcquireKeyResponse, KeyLeaseServiceService } from '../../src/generated/keylease/v1/key_lease_service.ts';
import { keyOf } from '../support/app.ts';
import {
  type AuthApp,
  bearer,
  GUARDED,
  makePapers,
  metadataOf,
  type Papers,
  type Shown,
  startWithPapers,
  tlsClient,
} from '../support/auth-app.ts';
import { uri } from '../support/pki.ts';
import { callAny, type Outcome } from './any-call.ts';
import { type About, MARK_BY_KEY, RPCS, type RpcRow } from './rpc-rows.ts';

export const WORKER = 'spiffe://acme.test/ns/prod/sa/worker';
export const EVERY_RPC = [...RPCS, MARK_BY_KEY];
const poolOf = (id: string) => ({
  id,
  provider: 'anthropic',
  keys: ['a', 'spare'].map((key) => keyOf(key, { secret: `secret-of-${id}-${key}` })),
});

export let papers: Papers;
export let started: AuthApp;
const clients: Client[] = [];
/** Leases of the worker in the pool that others may use, and in the one that they may not. */
export let mine: string;
export let hidden: string;
export let tokens: Record<'guest' | 'inner' | 'nobody' | 'root' | 'expired' | 'revoked', string>;

/** Starts the service before the tests of a file, and stops it after them. */
export function useMatrix(): void {
  beforeAll(async () => {
    papers = await makePapers();
    tokens = {
      guest: papers.addToken('guest'),
      inner: papers.addToken('inner'),
      nobody: papers.addToken('nobody'),
      root: papers.addToken('root'),
      expired: papers.addToken('guest', Date.now() - 1),
      revoked: papers.addToken('guest'),
    };
    papers.removeToken(tokens.revoked);
    started = await startWithPapers(papers, {
      ...GUARDED,
      pools: ['default', 'secret'].map(poolOf),
      // So that what authentication bounds by itself is seen.
      limits: { metadata_bytes: 32_768 },
      access: [
        { holders: [WORKER, 'root', 'jwt:alice'], verbs: ['acquire', 'report', 'mark', 'admin'] },
        { holders: ['inner'], pools: ['secret'], verbs: ['acquire'] },
        { holders: ['guest'], pools: ['default', 'nothere'], verbs: ['acquire', 'report', 'mark', 'admin'] },
      ],
    });
    mine = await leaseOf('default');
    hidden = await leaseOf('secret');
  });

  afterAll(async () => {
    for (const client of clients) client.close();
    await started.app.close();
    papers.remove();
  });
}

export async function workerPapers(): Promise<Shown> {
  return { certificate: await papers.authority.issue({ names: [uri(WORKER)], commonName: 'worker' }) };
}

export function clientFor({ certificate }: Shown): Client {
  const client = tlsClient(papers, started.app.addresses[0] as string, certificate);
  clients.push(client);
  return client;
}

export function callAs(shown: Shown, { method, request }: RpcRow, about: Partial<About> = {}): Promise<Outcome> {
  return callAny(clientFor(shown), method, request({ pool: 'default', keyId: 'spare', leaseId: mine, ...about }), metadataOf(shown));
}

export async function leaseOf(pool: string): Promise<string> {
  const { path, requestSerialize } = KeyLeaseServiceService.acquireKey;
  const worker = clientFor(await workerPapers());
  const answer = await new Promise<AcquireKeyResponse | undefined>((resolve) =>
    worker.makeUnaryRequest(
      path,
      requestSerialize,
      AcquireKeyResponse.decode,
      RPCS[0]!.request({ pool, keyId: '', leaseId: '' }) as never,
      (_, value) => resolve(value),
    ),
  );
  return answer?.lease?.leaseId ?? '';
}

export async function statusesOf(shown: Shown, rows: readonly RpcRow[], about: Partial<About> = {}): Promise<Record<string, string>> {
  const outcomes: [string, string][] = [];
  for (const row of rows) outcomes.push([row.name, (await callAs(shown, row, about)).status]);
  return Object.fromEntries(outcomes);
}

export const all = (status: string, rows: readonly RpcRow[] = EVERY_RPC) => Object.fromEntries(rows.map(({ name }) => [name, status]));

export const jwt = async (claims: object = {}, options: Parameters<Papers['sign']>[1] = {}) =>
  bearer(await papers.sign({ ...claims }, options));
export const now = () => Math.floor(Date.now() / 1_000);
export const certified = async (...names: string[]): Promise<Shown> => ({
  certificate: await papers.authority.issue({ names: names.map(uri), commonName: WORKER }),
});
