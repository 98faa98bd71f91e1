import { formatAddress, parseListenAddress } from '../config/address.ts';

export const DEFAULT_ADDRESS = '127.0.0.1:50051';

/** The channel target of an address as people write it, `host:port` or `unix:/path`, or what is wrong with it. */
export function channelTarget(
  text: string,
): { readonly ok: true; readonly target: string } | { readonly ok: false; readonly problem: string } {
  const parsed = parseListenAddress(text);
  if (!parsed.ok) return parsed;
  const { address } = parsed;
  if (address.kind === 'tcp' && address.port === 0) return { ok: false, problem: 'expected a port from 1 to 65535' };
  return { ok: true, target: address.kind === 'unix' ? `unix://${address.path}` : formatAddress(address) };
}
