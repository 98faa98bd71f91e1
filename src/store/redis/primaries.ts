import { type Access, Connection, type Endpoint, type Reply } from './connection.ts';

/** Where the store is: one server; a primary that Sentinels name; or a Cluster, of which some nodes are known. */
export type Place =
  | { readonly kind: 'single'; readonly at: Endpoint }
  | { readonly kind: 'sentinel'; readonly name: string; readonly sentinels: readonly Endpoint[] }
  | { readonly kind: 'cluster'; readonly nodes: readonly Endpoint[] };

/** Finds where the keys of a hash tag are written at the moment; throws where nobody can say. */
export type FindPrimary = (tag: string) => Promise<Endpoint>;

export function primaryFinder(place: Place, access: Access): FindPrimary {
  switch (place.kind) {
    case 'single':
      return () => Promise.resolve(place.at);
    case 'sentinel':
      return () => firstOf(place.sentinels, (sentinel) => askSentinel(sentinel, place.name, access));
    case 'cluster':
      return (tag) => firstOf(place.nodes, (node) => askNode(node, tag, access));
    default:
      return place satisfies never;
  }
}

/** The first answer there is, all asked at once: one that hangs keeps nobody waiting. */
async function firstOf(endpoints: readonly Endpoint[], ask: (endpoint: Endpoint) => Promise<Endpoint>): Promise<Endpoint> {
  try {
    return await Promise.any(endpoints.map(ask));
  } catch (error) {
    throw error instanceof AggregateError ? error.errors[0] : error;
  }
}

/** A Sentinel has its own users; it is asked as nobody in particular. */
async function askSentinel(sentinel: Endpoint, name: string, access: Access): Promise<Endpoint> {
  return withConnection(sentinel, { ...access, username: undefined, password: undefined, database: 0 }, async (connection) => {
    const told: Reply = await connection.send('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', name);
    if (told === null) throw new Error(`the Sentinel at ${sentinel.host}:${sentinel.port} knows no primary called ${name}`);
    return { host: String(told[0]), port: Number(told[1]) };
  });
}

async function askNode(node: Endpoint, tag: string, access: Access): Promise<Endpoint> {
  return withConnection(node, access, async (connection) => {
    const [slot, ranges]: [number, Reply[]] = await Promise.all([
      connection.send('CLUSTER', 'KEYSLOT', `{${tag}}`),
      connection.send('CLUSTER', 'SLOTS'),
    ]);
    const range = ranges.find(([first, last]) => first <= slot && slot <= last);
    if (range === undefined) throw new Error(`no node of the cluster serves the slot ${slot} of pool ${tag}`);
    const [host, port] = range[2];
    return { host: host ? String(host) : node.host, port: Number(port) };
  });
}

async function withConnection<T>(endpoint: Endpoint, access: Access, use: (connection: Connection) => Promise<T>): Promise<T> {
  const connection = await Connection.open(endpoint, access, () => {});
  try {
    return await use(connection);
  } finally {
    connection.close();
  }
}
