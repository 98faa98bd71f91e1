import { type Access, Connection, type Endpoint, type Reply } from './connection.ts';
import { reasonOf, type Section, ServerFault } from './reasons.ts';

/** Where the store is: one server; a primary that Sentinels name; or a Cluster, of which some nodes are known. */
export type Place =
  | { readonly kind: 'single'; readonly at: Endpoint }
  | { readonly kind: 'sentinel'; readonly name: string; readonly sentinels: readonly Endpoint[] }
  | { readonly kind: 'cluster'; readonly nodes: readonly Endpoint[] };

/** Connects to where the keys of a hash tag are written at the moment; what it throws says what is wrong and what to do. */
export async function openPrimary(place: Place, access: Access, tag: string, lost: (cause: Error) => void): Promise<Connection> {
  return openAt(place, access, await findPrimary(place, access, tag), lost);
}

/** Connects to the primary that was found. */
export async function openAt(place: Place, access: Access, at: Endpoint, lost: (cause: Error) => void): Promise<Connection> {
  try {
    return await Connection.open(at, access, lost);
  } catch (cause) {
    const where = place.kind === 'single' ? '' : `the primary at ${textOf(at)}: `;
    throw new ServerFault(where + reasonOf(cause as Error, access), { cause });
  }
}

/** Finds where the keys of a hash tag are written at the moment. */
export async function findPrimary(place: Place, access: Access, tag: string): Promise<Endpoint> {
  switch (place.kind) {
    case 'single':
      return place.at;
    case 'sentinel':
      return mostOf(place.sentinels, (sentinel) => askSentinel(sentinel, place.name, access));
    case 'cluster':
      return firstOf(place.nodes, (node) => askNode(node, tag, access));
    default:
      return place satisfies never;
  }
}

/** The first answer there is, all asked at once: one that hangs keeps nobody waiting. */
async function firstOf(endpoints: readonly Endpoint[], ask: (endpoint: Endpoint) => Promise<Endpoint>): Promise<Endpoint> {
  try {
    return await Promise.any(endpoints.map(ask));
  } catch (error) {
    if (!(error instanceof AggregateError)) throw error;
    throw new ServerFault(error.errors.map(({ message }) => message).join('; '), { cause: error.errors[0] });
  }
}

/** What most of all endpoints say alike: one that is cut off with an old primary does not decide. */
export async function mostOf(endpoints: readonly Endpoint[], ask: (endpoint: Endpoint) => Promise<Endpoint>): Promise<Endpoint> {
  const { promise, resolve, reject } = Promise.withResolvers<Endpoint>();
  const counts = new Map<string, number>();
  const hear = (told: Endpoint): void => {
    const name = textOf(told);
    const count = (counts.get(name) ?? 0) + 1;
    counts.set(name, count);
    if (count > endpoints.length / 2) resolve(told);
  };
  void Promise.allSettled(endpoints.map((endpoint) => ask(endpoint).then(hear))).then((all) => {
    const faults = all.flatMap((one) => (one.status === 'rejected' ? [one.reason as Error] : []));
    const none = `of ${endpoints.length} Sentinels no majority names one and the same primary`;
    const told = faults.map(({ message }) => message);
    reject(new ServerFault((faults.length === all.length ? told : [none, ...told]).join('; '), { cause: faults[0] }));
  });
  return promise;
}

async function askSentinel(sentinel: Endpoint, name: string, { sentinels, ...access }: Access): Promise<Endpoint> {
  const login = sentinels ?? { tls: access.tls, username: undefined, password: undefined };
  const asked = { ...access, ...login, database: 0 };
  return withConnection('Sentinel', 'store.sentinels', sentinel, asked, async (connection) => {
    const told: Reply = await connection.send('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', name);
    if (told === null) throw new Error(`it knows no primary called ${name}; see to store.sentinels.name`);
    return { host: String(told[0]), port: Number(told[1]) };
  });
}

async function askNode(node: Endpoint, tag: string, access: Access): Promise<Endpoint> {
  return withConnection('node', 'store', node, access, async (connection) => {
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

/** Asks one server; what it throws says which, what is wrong, and what to do. */
async function withConnection<T>(
  what: string,
  section: Section,
  endpoint: Endpoint,
  access: Access,
  use: (connection: Connection) => Promise<T>,
): Promise<T> {
  let connection: Connection | undefined;
  try {
    connection = await Connection.open(endpoint, access, () => {});
    return await use(connection);
  } catch (cause) {
    throw new ServerFault(`the ${what} at ${textOf(endpoint)}: ${reasonOf(cause as Error, access, section)}`, { cause });
  } finally {
    connection?.close();
  }
}

export function textOf({ host, port }: Endpoint): string {
  return `${host}:${port}`;
}
