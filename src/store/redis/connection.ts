import { RedisClient } from '@redis/client';

/** Where one server listens. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/** How every server of the store is talked to. */
export interface Access {
  readonly tls: boolean;
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly database: number;
  /** After so long without an answer a command, or the connection, counts as lost. */
  readonly timeoutMs: number;
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
  #isOver = false;

  /** `lost` is called once, when the connection breaks or does not answer in time. */
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
    this.#lost(cause);
  }

  async #inTime<T>(answer: Promise<T>, timeoutMs = this.#timeoutMs): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      // Where this process itself was held up, the answer may lie here unread: it is read before anything is called late.
      const look = () => setImmediate(() => setImmediate(() => reject(new Error(`no answer within ${timeoutMs} ms`))));
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
    socket: { host, port, connectTimeout: timeoutMs, reconnectStrategy: false, ...(tls ? { tls: true as const, servername: host } : {}) },
  });
}
