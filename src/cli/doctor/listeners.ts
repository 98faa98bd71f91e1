import { connect } from 'node:net';
import type { Config, ListenAddress } from '../../config/config.ts';
import { type Finding, fine } from './finding.ts';

const CONNECT_TIMEOUT_MS = 1_000;

/** Whether the addresses are free or taken; a service that runs already takes them. */
export async function checkListeners({ listen, ops }: Config): Promise<readonly Finding[]> {
  const addresses = [...listen, ...(ops === null ? [] : [{ kind: 'tcp', ...ops } as const])];
  return Promise.all(addresses.map(async (address) => fine('listen', `${written(address)}: ${await occupant(address)}`)));
}

async function occupant(address: ListenAddress): Promise<string> {
  if (address.kind === 'tcp' && address.port === 0) return 'any free port';
  return (await isAnswered(address)) ? 'somebody answers there, be it this service' : 'free';
}

function isAnswered(address: ListenAddress): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = address.kind === 'unix' ? connect(address.path) : connect(address.port, address.host);
    const answer = (answered: boolean) => {
      socket.destroy();
      resolve(answered);
    };
    socket.setTimeout(CONNECT_TIMEOUT_MS, () => answer(false));
    socket.once('connect', () => answer(true));
    socket.once('error', () => answer(false));
  });
}

const written = (address: ListenAddress) => (address.kind === 'unix' ? `unix:${address.path}` : `${address.host}:${address.port}`);
