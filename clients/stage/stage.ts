import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { parse } from 'yaml';
import { departures } from './departures.ts';
import { type Script, startProvider } from './provider.ts';
import { ServerUnderTest } from './server.ts';

interface Scenarios {
  readonly fixtures: Readonly<Record<string, unknown>>;
  readonly scenarios: readonly (Script & { readonly name: string; readonly pools: string })[];
}

interface Body extends Script {
  readonly scenario?: string;
  readonly pools?: unknown;
  readonly pool?: string;
  readonly key?: string;
  readonly then?: unknown;
  readonly within_ms?: number;
}

const CHECK_MS = 10_000;
const LOOK_MS = 20;

/** A keylease server, a stand-in for the providers, and the control of both over HTTP. */
export async function startStage() {
  const scenarios = parse(readFileSync(new URL('../scenarios.yaml', import.meta.url), 'utf8')) as Scenarios;
  const provider = await startProvider();
  let server = await started(scenarios.fixtures.pair);

  async function started(pools: unknown): Promise<ServerUnderTest> {
    const next = new ServerUnderTest(pools);
    await next.start();
    return next;
  }

  async function reset(body: Body): Promise<unknown> {
    const scenario = scenarios.scenarios.find(({ name }) => name === body.scenario);
    if (body.scenario !== undefined && scenario === undefined) throw new Error(`there is no scenario ${JSON.stringify(body.scenario)}`);
    const { pools = 'pair', ...script } = scenario ?? body;
    await server.close();
    provider.reset(script);
    server = await started(typeof pools === 'string' ? scenarios.fixtures[pools] : pools);
    return addresses();
  }

  async function state() {
    return { server: await server.state(), ...provider.state() };
  }

  async function check({ then: expected, within_ms: withinMs = CHECK_MS }: Body) {
    const end = performance.now() + withinMs;
    for (;;) {
      const found = departures(expected, await state());
      if (found.length === 0 || performance.now() > end) return { departures: found };
      await sleep(LOOK_MS);
    }
  }

  const routes: Readonly<Record<string, (body: Body) => unknown>> = {
    'POST /reset': reset,
    'POST /stop': () => server.stop(),
    'POST /start': () => server.start(),
    'POST /release': () => provider.release(),
    'POST /drain': ({ pool = '', key = '' }) => server.drain(pool, key),
    'POST /check': check,
    'GET /state': state,
    'GET /scenarios': () => scenarios,
  };

  async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const route = routes[`${request.method} ${request.url}`];
    if (route === undefined) return send(response, 404, { error: `no ${request.method} ${request.url}` });
    try {
      const body = (await text(request)) || '{}';
      send(response, 200, (await route(JSON.parse(body) as Body)) ?? {});
    } catch (error) {
      send(response, 500, { error: String(error) });
    }
  }

  const control = createServer((request, response) => void respond(request, response));
  await new Promise<void>((resolve) => control.listen(0, '127.0.0.1', resolve));

  function addresses() {
    const port = (control.address() as AddressInfo).port;
    return { grpc: server.address, provider: provider.url, elsewhere: provider.elsewhereUrl, control: `http://127.0.0.1:${port}` };
  }

  return {
    addresses,
    async close(): Promise<void> {
      control.close();
      control.closeAllConnections();
      provider.close();
      await server.close();
    },
  };
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}
