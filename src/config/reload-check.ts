import { formatAddress, isLocal } from './address.ts';
import type { Config, ListenAddress } from './config.ts';

/** The addresses on which calls arrive. */
function addressesOf({ listen, adminListen }: Config): readonly ListenAddress[] {
  return adminListen === null ? listen : [...listen, adminListen];
}

/**
 * Why a configuration that is right by itself must not take the place of another while the process runs. Addresses stay as they were at
 * the start: one that other machines reach would be open to everybody, though the new file names it no more and so was never asked.
 */
export function reloadMistakes(atStart: Config, inForce: Config, next: Config): readonly string[] {
  if (inForce.auth === null || next.auth !== null) return [];
  const named = new Set(addressesOf(next).map(formatAddress));
  const left = addressesOf(atStart).filter((address) => !isLocal(address) && !named.has(formatAddress(address)));
  return left.map(
    (address) =>
      `auth: cannot be left out while this process still listens on ${formatAddress(address)}, which other machines can reach: restart it`,
  );
}
