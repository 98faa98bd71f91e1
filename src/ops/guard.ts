import type { IncomingMessage } from 'node:http';
import { BlockList, isIP } from 'node:net';
import { isSecret, type Secret } from '../config/secret.ts';

/** Why somebody may not look. */
export interface Denied {
  readonly code: 401 | 421;
  readonly text: string;
  readonly headers: Readonly<Record<string, string>>;
}

export interface GuardOptions {
  /** null: nobody is asked for one. */
  readonly token: Secret | null;
  /** Whether only this machine can reach the listener. */
  readonly isLoopback: boolean;
}

/** Longer ones are not looked at. */
const AUTHORIZATION_CHARACTERS_MAX = 4_096;

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

/**
 * Who may look at metrics and the dashboard; undefined: this one may. Without a token a loopback listener answers only to the names of
 * this machine, or a page from elsewhere could have its own name lead here and read what it is not meant to.
 */
export function denied({ headers }: IncomingMessage, { token, isLoopback }: GuardOptions): Denied | undefined {
  if (token !== null) return isSecret(token, credentialIn(headers.authorization)) ? undefined : UNKNOWN;
  return isLoopback && !namesThisMachine(headers.host ?? '') ? ELSEWHERE : undefined;
}

const UNKNOWN: Denied = {
  code: 401,
  text: 'who looks must show the token of the operations page, as a bearer token or as the password of any user',
  headers: { 'www-authenticate': 'Basic realm="keylease", charset="UTF-8"' },
};

const ELSEWHERE: Denied = { code: 421, text: 'only localhost, 127.0.0.1 and [::1] are names of this page', headers: {} };

/** What a caller shows: `Bearer TOKEN` of programs, or `Basic` of browsers, which ask for a user and a password. */
function credentialIn(authorization = ''): string {
  if (authorization.length > AUTHORIZATION_CHARACTERS_MAX) return '';
  const [, scheme = '', rest = ''] = /^(\w+) +(\S+)$/.exec(authorization) ?? [];
  if (scheme.toLowerCase() === 'bearer') return rest;
  if (scheme.toLowerCase() !== 'basic') return '';
  return Buffer.from(rest, 'base64')
    .toString('utf8')
    .replace(/^[^:]*:/, '');
}

function namesThisMachine(host: string): boolean {
  const name = host
    .toLowerCase()
    .replace(/:\d+$/, '')
    .replace(/^\[(.*)\]$/, '$1');
  const family = isIP(name);
  return name === 'localhost' || (family !== 0 && LOOPBACK.check(name, family === 4 ? 'ipv4' : 'ipv6'));
}
