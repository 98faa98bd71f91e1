import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Sights } from '../metrics/metrics.ts';
import type { Rates } from './rates.ts';
import { filtered, keyOnPage, look, type Sight } from './sight.ts';

/** Pages that are open at once. */
const CLIENTS_MAX = 16;

const PACE_MS = 1_000;

/** Looking takes at most about this share of the time: a large pool is looked at less often. */
const SHARE_MAX = 0.05;

/** A page that does not take what it is sent is told nothing more meanwhile. */
const UNSENT_BYTES_MAX = 1_000_000;

const FILTER_CHARACTERS_MAX = 100;

/** One open page, and what it was told. */
interface Client {
  readonly response: ServerResponse;
  readonly pool: string;
  readonly filter: string;
  readonly told: Map<string, string>;
}

export interface LiveOptions {
  readonly sights: Sights;
  readonly rates: Rates;
  readonly onFault: (fault: unknown) => void;
}

/** Tells open pages what there is, once a second: all of them from one look, and of keys only those that changed. */
export class Live {
  readonly #with: LiveOptions;
  readonly #clients = new Set<Client>();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: LiveOptions) {
    this.#with = options;
  }

  /** Opens the events of one page; the answer where that is not possible. */
  open(request: IncomingMessage, response: ServerResponse) {
    if (request.method === 'HEAD') return { code: 200, body: '', headers: { 'content-type': 'text/event-stream' } };
    if (this.#clients.size >= CLIENTS_MAX) return { code: 503, body: `there are ${CLIENTS_MAX} open pages already: close one` };
    const query = new URLSearchParams(request.url?.split('?')[1] ?? '');
    const filter = (query.get('filter') ?? '').slice(0, FILTER_CHARACTERS_MAX);
    const client: Client = { response, pool: query.get('pool') ?? '', filter, told: new Map() };
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' });
    response.write('retry: 2000\n\n');
    this.#clients.add(client);
    response.once('close', () => this.#clients.delete(client));
    this.#again(0);
    return undefined;
  }

  close(): void {
    clearTimeout(this.#timer);
    for (const { response } of this.#clients) response.end();
    this.#clients.clear();
  }

  #again(waitMs: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#tell(), waitMs).unref();
  }

  async #tell(): Promise<void> {
    if (this.#clients.size === 0) return;
    const start = performance.now();
    try {
      const pools = this.#with.sights.pools.all();
      const poolOf = ({ pool }: Client) => pools.find(({ id }) => id === pool)?.id ?? pools[0]?.id ?? '';
      const sight = await look(this.#with.sights, this.#with.rates, new Set([...this.#clients].map(poolOf)));
      for (const client of this.#clients) tellClient(client, sight, poolOf(client));
    } catch (fault) {
      if (this.#with.sights.isStoreUp()) this.#with.onFault(fault);
    }
    this.#again(Math.max(PACE_MS, (performance.now() - start) / SHARE_MAX));
  }
}

function tellClient({ response, filter, told }: Client, sight: Sight, poolId: string): void {
  if (response.writableLength > UNSENT_BYTES_MAX) return;
  const { details, ...about } = sight;
  const detail = details.get(poolId);
  const { matched, shown } = filtered(detail?.views ?? [], filter);
  const changed = shown.map(keyOnPage).filter((key) => {
    const text = JSON.stringify(key);
    const isNews = told.get(key.id) !== text;
    told.set(key.id, text);
    return isNews;
  });
  const order = shown.map(({ config }) => config.id);
  for (const id of told.keys()) if (!order.includes(id)) told.delete(id);
  const { grants = [], rateLimited = [], badReports = [] } = detail ?? {};
  const news = { ...about, pool: poolId, matched, order, keys: changed, grants, rateLimited, badReports };
  response.write(`data: ${JSON.stringify(news)}\n\n`);
}
