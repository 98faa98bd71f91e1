import { HostNotAllowed } from './errors.ts';
import type { KeyLease } from './key-lease.ts';
import type { LeasedKey } from './leased-key.ts';
import type { Demand, LeaseOptions } from './options.ts';
import { demandOf, isReplayable } from './request.ts';

export interface LeasedFetchOptions extends Omit<LeaseOptions, 'signal'> {
  /**
   * Hosts that may see the pool's keys, as `host`, `host:port` or `https://host:port`; without a scheme https alone, but on this machine.
   * Left out: the host where the pool's provider answers.
   */
  readonly hosts?: readonly string[];
  /** Changes what was read from the request before a key is leased for it. */
  readonly demand?: (read: Demand) => Demand;
  /** Makes the calls. Left out: the global `fetch`. */
  readonly fetch?: typeof fetch;
}

/** The headers in which SDKs send the key that they were given; it is not the one that the provider knows. */
const PLACEHOLDERS = ['authorization', 'x-api-key', 'api-key', 'x-goog-api-key'];

const WAIT_MS = 30_000;
const REDIRECTS_MAX = 5;
const LOOPBACK = /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/;

/**
 * A `fetch` for the official SDKs: each call leases a key from the pool, waiting in line up to 30 s where the options do not say otherwise,
 * and reports what the provider answered. The key goes to the allowed hosts alone; a redirect elsewhere is handed to the caller as it is.
 */
export function leasedFetch(client: KeyLease, options: LeasedFetchOptions = {}): typeof fetch {
  const { hosts, demand: change = (read: Demand) => read, fetch: send = fetch, ...lease } = options;
  return async (input, init = {}) => {
    const request = input instanceof Request ? input : null;
    const url = new URL(request?.url ?? String(input));
    if (hosts !== undefined) assertAllowed(url, hosts);
    const body = init.body ?? request?.body;
    const signal = init.signal ?? request?.signal;
    const replayable = isReplayable(body);
    return client.withKey(
      { maxWaitMs: WAIT_MS, ...lease, retry: replayable && lease.retry !== false, ...(signal ? { signal } : {}) },
      change(demandOf(url, body)),
      async (key) => {
        // The fallback key has no host of its own, and goes where the request goes.
        const allowed = hosts ?? (key.isFallback ? [url.origin] : [originOf(key)].filter((origin) => origin !== ''));
        assertAllowed(url, allowed);
        const headers = withKey(new Headers(init.headers ?? request?.headers), key);
        return follow({ send, input, url, init: { ...init, headers }, allowed, redirect: init.redirect ?? request?.redirect, replayable });
      },
    );
  };
}

interface Sending {
  readonly send: typeof fetch;
  readonly input: Parameters<typeof fetch>[0];
  readonly url: URL;
  readonly init: RequestInit;
  readonly allowed: readonly string[];
  readonly redirect: RequestInit['redirect'];
  readonly replayable: boolean;
}

/** Redirects are followed by hand, for `fetch` would carry the key to whichever host it is sent to. */
async function follow({ send, input, url, init, allowed, redirect = 'follow', replayable }: Sending): Promise<Response> {
  let [target, response] = [url, await send(input, { ...init, redirect: 'manual' })];
  for (let hops = 0; redirect === 'follow' && hops < REDIRECTS_MAX; hops += 1) {
    const location = response.headers.get('location');
    if (location === null || ![307, 308].includes(response.status) || !replayable) break;
    target = new URL(location, target);
    if (!isAllowed(target, allowed)) break;
    await response.body?.cancel();
    response = await send(target, { ...init, redirect: 'manual' });
  }
  if (redirect === 'error' && response.headers.has('location') && response.status >= 300 && response.status < 400)
    throw new TypeError(`${url.origin} answered a redirect`);
  return response;
}

function withKey(headers: Headers, key: LeasedKey): Headers {
  const placed = PLACEHOLDERS.find((name) => headers.has(name));
  for (const name of PLACEHOLDERS) headers.delete(name);
  if (key.isFallback && key.headerName === '' && placed !== undefined && placed !== 'authorization') {
    headers.set(placed, key.secret);
    return headers;
  }
  const secret = (key.headerName || 'authorization').toLowerCase();
  for (const [name, value] of Object.entries(key.headers))
    if (name.toLowerCase() === secret || !headers.has(name)) headers.set(name, value);
  return headers;
}

function originOf({ baseUrl }: LeasedKey): string {
  return URL.canParse(baseUrl) ? new URL(baseUrl).origin : '';
}

function assertAllowed(url: URL, allowed: readonly string[]): void {
  if (!isAllowed(url, allowed)) throw new HostNotAllowed(url, allowed);
}

function isAllowed(url: URL, allowed: readonly string[]): boolean {
  return allowed.some((entry) =>
    entry.includes('://')
      ? URL.canParse(entry) && new URL(entry).origin === url.origin
      : entry.toLowerCase() === url.host && (url.protocol === 'https:' || LOOPBACK.test(url.hostname)),
  );
}
