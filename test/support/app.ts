import { Channel, ChannelCredentials } from '@grpc/grpc-js';
import { type Client, createClientFactory } from 'nice-grpc';
import { errorDetailsClientMiddleware } from 'nice-grpc-error-details';
import pino from 'pino';
import { onTestFinished } from 'vitest';
import { type App, type AppOptions, startApp } from '../../src/app.ts';
import type { Config } from '../../src/config/config.ts';
import { formatMistake } from '../../src/config/mistake.ts';
import { parseConfig } from '../../src/config/parse.ts';
import { KeyLeaseServiceDefinition } from '../../src/generated/keylease/v1/key_lease_service.ts';
import { PoolAdminServiceDefinition } from '../../src/generated/keylease/v1/pool_admin_service.ts';
import { strategyNames } from '../../src/pool/strategy/index.ts';
import { providerNames } from '../../src/provider/index.ts';

/** What stands in a configuration file, in its own words. Left out: a free loopback port, memory, no operations page. */
export type ConfigContent = Readonly<Record<string, unknown>>;

export interface TestAppOptions extends Omit<AppOptions, 'log' | 'readConfig'> {
  /** Left out: one pool, `default`, of one key, `a`, without limits. */
  readonly config?: ConfigContent;
}

/** The calls of a server over one connection of its own. */
export interface Connection {
  readonly leases: Client<KeyLeaseServiceDefinition>;
  readonly admin: Client<PoolAdminServiceDefinition>;
  readonly channel: Channel;
}

/** A service that runs, and clients of it. */
export interface TestApp extends Connection {
  readonly app: App;
  /** The first that it listens on. */
  readonly address: string;
  /** What it logged so far, one object a line. */
  readonly log: readonly Readonly<Record<string, unknown>>[];
  connect(): Connection;
  /** What the next reload finds in the file. */
  rewriteConfig(content: ConfigContent): void;
}

/** One pool, `default`, of anthropic, with the keys given and more settings of the pool. */
export function onePool(keys: readonly ConfigContent[], pool: ConfigContent = {}): ConfigContent {
  return { pools: [{ id: 'default', provider: 'anthropic', ...pool, keys }] };
}

/** A key whose secret can be told from every other text. */
export function keyOf(id: string, settings: ConfigContent = {}): ConfigContent {
  return { id, secret: `secret-of-${id}`, ...settings };
}

/** The configuration that a file with this content makes; throws what is wrong with it. */
export function configOf(content: ConfigContent): Config {
  const reading = readConfigContent(content);
  if ('mistakes' in reading) throw new Error(reading.mistakes.join('\n'));
  return reading;
}

/** Starts the service as it is wired for production; whatever happens in the test, it is stopped when the test is over. */
export async function startTestApp({ config = onePool([keyOf('a')]), ...options }: TestAppOptions = {}): Promise<TestApp> {
  const log: Record<string, unknown>[] = [];
  let file = config;
  const app = await startApp(configOf(config), {
    ...options,
    log: pino({ level: 'debug' }, { write: (line: string) => void log.push(JSON.parse(line)) }),
    readConfig: async () => readConfigContent(file),
  });
  onTestFinished(() => app.close());
  const address = app.addresses[0] as string;
  return {
    ...connectTo(address),
    app,
    address,
    log,
    connect: () => connectTo(address),
    rewriteConfig: (content) => {
      file = content;
    },
  };
}

/** Clients of the server at an address; the connection is closed when the test is over. */
export function connectTo(address: string): Connection {
  const channel = new Channel(address, ChannelCredentials.createInsecure(), {
    'grpc.enable_channelz': 0,
    'grpc.initial_reconnect_backoff_ms': 100,
    'grpc.use_local_subchannel_pool': 1,
  });
  onTestFinished(() => channel.close());
  const factory = createClientFactory().use(errorDetailsClientMiddleware);
  return {
    channel,
    leases: factory.create(KeyLeaseServiceDefinition, channel),
    admin: factory.create(PoolAdminServiceDefinition, channel),
  };
}

function readConfigContent(content: ConfigContent): Config | { readonly mistakes: readonly string[] } {
  const complete = { listen: '127.0.0.1:0', ops: false, store: { kind: 'memory' }, ...content };
  const reading = parseConfig(JSON.stringify(complete), 'test.yaml', {
    strategies: strategyNames,
    providers: providerNames,
    env: {},
    readFile: () => ({ ok: false, problem: 'there is no such file' }),
  });
  return reading.ok ? reading.config : { mistakes: reading.mistakes.map(formatMistake) };
}
