import { Channel, connectivityState } from '@grpc/grpc-js';
import type { Command } from 'commander';
import { type CallOptions, type Client, createClientFactory } from 'nice-grpc';
import { KeyLeaseServiceDefinition } from '../generated/keylease/v1/key_lease_service.ts';
import { PoolAdminServiceDefinition } from '../generated/keylease/v1/pool_admin_service.ts';
import { channelTarget } from './address.ts';
import { type AccessOptions, type ClientAccess, clientAccess, PLAIN, showing } from './client-access.ts';
import { noAnswer, noServer, usageMistake } from './failure.ts';
import { type Io, wantsColour } from './io.ts';
import { protoJson } from './proto-json.ts';
import { redacted } from './redact.ts';
import { refusals } from './refusal.ts';
import type { Layout } from './table.ts';
import { span } from './words.ts';

/** The options that every verb understands. */
export interface GlobalOptions extends AccessOptions {
  readonly server: string;
  readonly json: boolean;
  /** Milliseconds. */
  readonly timeout: number;
}

/** The services of a server that is there. */
export interface Services {
  readonly leases: Client<KeyLeaseServiceDefinition>;
  readonly admin: Client<PoolAdminServiceDefinition>;
}

/** What a verb has at hand while it runs. */
export interface Session extends Services {
  readonly io: Io;
  readonly json: boolean;
  /** How tables are laid out. */
  readonly layout: Layout;
  /** Options that bound a call by --timeout, and by `extraMs` more where the server may wait. */
  bounded(extraMs?: number): CallOptions;
  /** Prints the message as JSON where --json was given, else the text for people; what must not be printed only `withSecrets`. */
  print(message: unknown, forPeople: () => string, withSecrets?: boolean): void;
}

/** The options that were given before or after the verb. */
export function globalOptions(command: Command): GlobalOptions {
  return command.optsWithGlobals<GlobalOptions>();
}

/** Connects, runs the verb, disconnects. Throws Failure where nobody is there or no answer came, Refusal where the server refused. */
export async function withSession(io: Io, command: Command, verb: (session: Session) => Promise<void>): Promise<void> {
  const options = globalOptions(command);
  const { server, json, timeout } = options;
  const verbWith = async (services: Services) => {
    let boundMs = timeout;
    try {
      await verb({
        ...services,
        io,
        json,
        layout: { width: io.isTerminal ? io.columns : null, colour: wantsColour(io) },
        bounded(extraMs = 0) {
          boundMs = timeout + extraMs;
          return { signal: AbortSignal.timeout(boundMs) };
        },
        print(message, forPeople, withSecrets = false) {
          const shown = withSecrets ? message : redacted(message);
          io.out(`${json ? JSON.stringify(protoJson(shown), null, 2) : forPeople()}\n`);
        },
      });
    } catch (error) {
      if (error instanceof Error && error.name === 'TimeoutError') throw noAnswer(server, span(boundMs));
      throw error;
    }
  };
  await withServices(server, timeout, verbWith, clientAccess(options, server, io.env));
}

/** Hands the services of the server at the address to `use`, and disconnects afterwards. Throws Failure where nobody is there within the time. */
export async function withServices<T>(
  address: string,
  timeoutMs: number,
  use: (services: Services) => Promise<T>,
  { credentials, token }: ClientAccess = PLAIN,
): Promise<T> {
  const parsed = channelTarget(address);
  if (!parsed.ok) throw usageMistake(`${address} is no address of a server: ${parsed.problem}`);
  const channel = new Channel(parsed.target, credentials, { 'grpc.enable_channelz': 0 });
  try {
    if (!(await connects(channel, Date.now() + timeoutMs))) throw noServer(address, credentials !== PLAIN.credentials);
    const factory = createClientFactory().use(refusals).use(showing(token));
    return await use({
      leases: factory.create(KeyLeaseServiceDefinition, channel),
      admin: factory.create(PoolAdminServiceDefinition, channel),
    });
  } finally {
    channel.close();
  }
}

async function connects(channel: Channel, deadline: number): Promise<boolean> {
  for (;;) {
    const state = channel.getConnectivityState(true);
    if (state === connectivityState.READY) return true;
    if (state === connectivityState.TRANSIENT_FAILURE || state === connectivityState.SHUTDOWN) return false;
    const moved = await new Promise<boolean>((resolve) => channel.watchConnectivityState(state, deadline, (error) => resolve(!error)));
    if (!moved) return false;
  }
}
