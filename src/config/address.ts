import { BlockList, isIP } from 'node:net';
import type { ListenAddress } from './config.ts';

export type ParsedAddress = { readonly ok: true; readonly address: ListenAddress } | { readonly ok: false; readonly problem: string };

/** What every system accepts as the path of a socket. */
const SOCKET_PATH_BYTES_MAX = 103;
const HOST_NAME = /^(?!.*\.\d+$)(?=.*[A-Za-z])[A-Za-z0-9]([A-Za-z0-9-]{0,62})(\.[A-Za-z0-9][A-Za-z0-9-]{0,62})*$/;
const EXPECTED = 'expected host:port, [ipv6]:port or unix:/path';

/** Reads `host:port`, `[::1]:port`, `unix:/path` or `unix:///path`; else a problem that says what was expected. */
export function parseListenAddress(text: string): ParsedAddress {
  return text.startsWith('unix:') ? parseUnix(text.slice('unix:'.length)) : parseTcp(text);
}

function parseUnix(text: string): ParsedAddress {
  const path = text.startsWith('///') ? text.slice(2) : text;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
  if (!/^\/[^/\u0000-\u001f\u007f][^\u0000-\u001f\u007f]*$/.test(path)) {
    return { ok: false, problem: 'expected an absolute path, as in unix:/run/keylease.sock' };
  }
  if (Buffer.byteLength(path) > SOCKET_PATH_BYTES_MAX) {
    return { ok: false, problem: `the path of a socket has at most ${SOCKET_PATH_BYTES_MAX} bytes` };
  }
  return { ok: true, address: { kind: 'unix', path } };
}

function parseTcp(text: string): ParsedAddress {
  const match = /^(?:\[([^\]]*)\]|([^:[\]]*)):(\d{1,5})$/.exec(text);
  if (!match) return { ok: false, problem: EXPECTED };
  const [, ipv6, name, digits] = match;
  const host = ipv6 ?? name!;
  const valid = ipv6 === undefined ? isIP(host) === 4 || HOST_NAME.test(host) : isIP(host) === 6;
  if (!valid) return { ok: false, problem: `${EXPECTED}; the host is not a name or an address` };
  const port = Number(digits);
  if (port > 65_535) return { ok: false, problem: 'expected a port from 0 (any free one) to 65535' };
  return { ok: true, address: { kind: 'tcp', host, port } };
}

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

/** Whether only this machine can reach the address. */
export function isLocal(address: ListenAddress): boolean {
  if (address.kind === 'unix' || address.host.toLowerCase() === 'localhost') return true;
  const family = isIP(address.host);
  return family !== 0 && LOOPBACK.check(address.host, family === 4 ? 'ipv4' : 'ipv6');
}

/** As it is written in the configuration. */
export function formatAddress(address: ListenAddress): string {
  if (address.kind === 'unix') return `unix:${address.path}`;
  return `${address.host.includes(':') ? `[${address.host}]` : address.host}:${address.port}`;
}
