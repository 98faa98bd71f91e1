import { isIP } from 'node:net';
import { RedisClient } from '@redis/client';

/** Where one server listens. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/** What is trusted and shown to servers over TLS, as PEM. */
export interface Tls {
  /** undefined: the authorities that Node trusts. */
  readonly ca: string | undefined;
  /** undefined: none is shown. */
  readonly cert: string | undefined;
  readonly key: string | undefined;
  /** What certificates must be for; undefined: the host that is connected to. */
  readonly serverName: string | undefined;
}

/** As whom servers are asked, and how. */
export interface Login {
  /** false: plain text. */
  readonly tls: Tls | false;
  readonly username: string | undefined;
  readonly password: string | undefined;
}

/** How every server of the store is talked to. Read whenever a connection is made, so that new passwords and certificates count from then on. */
export interface Access extends Login {
  /** How Sentinels are, which have users of their own. Left out: as nobody in particular, with the TLS of the servers. */
  readonly sentinels?: Login | undefined;
  readonly database: number;
  /** After so long without an answer a command, or the connection, counts as lost. */
  readonly timeoutMs: number;
}

/** A server, or the way to it, was silent for too long. */
export class AnswerMissing extends Error {
  override name = 'AnswerMissing';
}

type Client = ReturnType<typeof newClient>;

/** What a server answers to a command, as the protocol has it. */
// biome-ignore lint/suspicious/noExplicitAny: each command has its own shape, which its caller knows
export type Reply = any;

/**
 * One connection to one server. It never comes back once it is lost, sends nothing twice and keeps nothing for later: whether a
 * command whose answer is missing ran is for the caller to find out.
 */
export class Connection {
  readonly #client: Client;
  readonly #timeoutMs: number;
  readonly #lost: (cause: Error) => void;
  #isOpen = false;
  #isOver = false;

  /** `lost` is called once, when the open connection breaks. */
  private constructor(client: Client, timeoutMs: number, lost: (cause: Error) => void) {
    this.#client = client;
    this.#timeoutMs = timeoutMs;
    this.#lost = lost;
  }

  static async open(endpoint: Endpoint, access: Access, lost: (cause: Error) => void): Promise<Connection> {
    const client = newClient(endpoint, access);
    const connection = new Connection(client, access.timeoutMs, lost);
    client.on('error', (cause: Error) => connection.#lose(cause));
    try {
      await connection.#inTime(client.connect());
      connection.#isOpen = true;
    } catch (cause) {
      connection.close();
      throw cause;
    }
    return connection;
  }

  /** Sends at once; throws what the server answers as an error, or that the answer did not come in time. */
  send(...words: string[]): Promise<Reply> {
    return this.run(words);
  }

  /** The same for a command of any length, which may be given more time. */
  run(words: readonly string[], timeoutMs = this.#timeoutMs): Promise<Reply> {
    return this.#inTime(this.#client.sendCommand(words), timeoutMs);
  }

  /** `heard` gets every message of the channel from now on, in the order in which the server ran what published them. */
  subscribe(channel: string, heard: (message: Buffer) => void): Promise<void> {
    return this.#inTime(this.#client.subscribe(channel, heard, true));
  }

  /** Ends it without a word to anybody. */
  close(): void {
    this.#isOver = true;
    if (this.#client.isOpen) this.#client.destroy();
  }

  #lose(cause: Error): void {
    if (this.#isOver) return;
    this.close();
    if (this.#isOpen) this.#lost(cause);
  }

  async #inTime<T>(answer: Promise<T>, timeoutMs = this.#timeoutMs): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      // Where this process itself was held up, the answer may lie here unread: it is read before anything is called late.
      const look = () => setImmediate(() => setImmediate(() => reject(new AnswerMissing(`no answer within ${timeoutMs} ms`))));
      timer = setTimeout(look, timeoutMs);
    });
    try {
      return await Promise.race([answer, late]);
    } catch (cause) {
      answer.catch(() => {});
      throw cause;
    } finally {
      clearTimeout(timer);
    }
  }
}

/** Made once: the client's own way makes a class of hundreds of commands anew for every other address. */
const makeClient = RedisClient.factory({ RESP: 3 });

function newClient({ host, port }: Endpoint, { tls, username, password, database, timeoutMs }: Access) {
  return makeClient({
    name: 'keylease',
    database,
    disableOfflineQueue: true,
    disableClientInfo: true,
    maintNotifications: 'disabled',
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    socket: {
      host,
      port,
      connectTimeout: timeoutMs,
      reconnectStrategy: false,
      ...(tls ? { tls: true as const, ...tlsOptions(tls, host) } : {}),
    },
  });
}

/** An address is no name to ask a server for (RFC 6066): where nothing else is said, certificates are checked for it all the same. */
function tlsOptions({ ca, cert, key, serverName }: Tls, host: string) {
  const name = serverName ?? (isIP(host) === 0 ? host : undefined);
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(name === undefined ? {} : { servername: name }),
  };
}
