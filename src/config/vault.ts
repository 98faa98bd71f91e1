import { type ClientRequest, Agent as HttpAgent, type IncomingMessage, request as requestInTheClear } from 'node:http';
import { Agent as HttpsAgent, request } from 'node:https';
import { field } from './draft.ts';
import type { VaultReading } from './secret-source.ts';
import type { VaultWanted } from './vault-wanted.ts';

/** More than any secret: what exceeds it is no answer of Vault. */
const ANSWER_BYTES_MAX = 1_024 * 1_024;

const CONNECTIONS_MAX = 8;

const PROBLEMS: Readonly<Record<number, string>> = {
  400: 'Vault does not understand the request (400)',
  403: 'Vault refuses (403): the token has expired, or may not read this path',
  404: 'Vault has nothing there (404): in KV version 2 the path has data/ after the mount, and a deleted version is none',
  429: 'Vault refuses for a while (429)',
  503: 'Vault is sealed or in maintenance (503)',
};

/** Asks Vault for every path, all of them within the time; a path that cannot be read has a problem, in which nothing is secret. */
export async function readVault(wanted: VaultWanted): Promise<ReadonlyMap<string, VaultReading>> {
  const signal = AbortSignal.timeout(wanted.timeout);
  const options = { keepAlive: true, maxSockets: CONNECTIONS_MAX };
  const isTls = wanted.address.startsWith('https:');
  const agent = isTls ? new HttpsAgent({ ...options, ...(wanted.ca === null ? {} : { ca: wanted.ca }) }) : new HttpAgent(options);
  try {
    const readings = wanted.paths.map(async (path) => [path, await readPath(wanted, path, agent, signal)] as const);
    return new Map(await Promise.all(readings));
  } finally {
    agent.destroy();
  }
}

async function readPath(wanted: VaultWanted, path: string, agent: HttpAgent, signal: AbortSignal): Promise<VaultReading> {
  try {
    const { status, body } = await get(wanted, path, agent, signal);
    if (status !== 200) return { ok: false, problem: problemOf(status) };
    const fields = fieldsOf(body);
    return fields === null ? { ok: false, problem: 'Vault answers with something that is no secret' } : { ok: true, fields };
  } catch (error) {
    if (signal.aborted) return { ok: false, problem: `Vault did not answer within ${wanted.timeout} ms` };
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'the answer broke off';
    return {
      ok: false,
      problem: `Vault cannot be reached: ${code}${/CERT|SIGNATURE/.test(code) ? ' (vault.ca names the authority of its certificate)' : ''}`,
    };
  }
}

function problemOf(status: number): string {
  if (status >= 300 && status < 400)
    return `Vault sends elsewhere (${status}): name the address of the active node, since a token follows no redirect`;
  return PROBLEMS[status] ?? `Vault answers with status ${status}`;
}

/** Version 2 wraps the fields once more, and adds what it knows of the version. */
function fieldsOf(body: string): Readonly<Record<string, unknown>> | null {
  try {
    const outer = field(JSON.parse(body), 'data');
    const inner = field(outer, 'data');
    const fields = field(outer, 'metadata') === undefined ? outer : inner;
    return typeof fields === 'object' && fields !== null ? (fields as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

/** Redirects are not followed: the token would go with them. */
function get(
  { address, namespace, token }: VaultWanted,
  path: string,
  agent: HttpAgent,
  signal: AbortSignal,
): Promise<{ status: number; body: string }> {
  const headers = {
    'x-vault-token': token,
    'x-vault-request': 'true',
    ...(namespace === undefined ? {} : { 'x-vault-namespace': namespace }),
  };
  return new Promise((resolve, reject) => {
    const open = address.startsWith('https:') ? request : requestInTheClear;
    const call: ClientRequest = open(`${address}/v1/${path}`, { headers, agent, signal }, (answer) => {
      bodyOf(answer).then((body) => resolve({ status: answer.statusCode ?? 0, body }), reject);
    });
    call.once('error', reject).end();
  });
}

async function bodyOf(answer: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of answer as AsyncIterable<Buffer>) {
    parts.push(part);
    bytes += part.length;
    if (bytes > ANSWER_BYTES_MAX) throw Object.assign(new Error(), { code: 'the answer is longer than 1 MiB' });
  }
  return Buffer.concat(parts).toString('utf8');
}
