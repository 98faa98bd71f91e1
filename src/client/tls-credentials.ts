import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { connect, createSecureContext } from 'node:tls';
import { ChannelCredentials } from '@grpc/grpc-js';

/** What is trusted and shown over TLS, as PEM; null: the authorities that gRPC trusts, and no certificate. */
export interface TlsPem {
  readonly ca: Buffer | null;
  readonly key: Buffer | null;
  readonly cert: Buffer | null;
}

type Create = ChannelCredentials['_createSecureConnector'];
type Connector = ReturnType<Create>;

/** Credentials for the server at a target, which is `host:port` or anything that gRPC resolves. Throws where the PEM is none. */
export function tlsCredentials(target: string, { ca, key, cert }: TlsPem): ChannelCredentials {
  const usual = ChannelCredentials.createSsl(ca, key, cert);
  const host = /^\[?(?<host>[\da-f.:]+?)\]?:\d{1,5}$/i.exec(target)?.groups?.host ?? '';
  return isIP(host) === 0 ? usual : new AddressCredentials(usual, host, { ca, key, cert });
}

/**
 * As usual, but that a server is not asked for an address as if that were its name, which grpc-js does: RFC 6066 forbids it, and Node warns
 * of it (DEP0123). The certificate must be for the address all the same.
 */
class AddressCredentials extends ChannelCredentials {
  readonly #usual: ChannelCredentials;
  readonly #options: object;

  constructor(usual: ChannelCredentials, host: string, { ca, key, cert }: TlsPem) {
    super();
    this.#usual = usual;
    const secureContext = createSecureContext({ ...defaults(), ...(ca && { ca }), ...(key && { key }), ...(cert && { cert }) });
    this.#options = { host, secureContext, ALPNProtocols: ['h2'] };
  }

  override _isSecure(): boolean {
    return true;
  }

  override _equals(other: ChannelCredentials): boolean {
    return this === other;
  }

  override _createSecureConnector(...args: Parameters<Create>): Connector {
    const usual = this.#usual._createSecureConnector(...args);
    const options = this.#options;
    return {
      waitForReady: () => usual.waitForReady(),
      getCallCredentials: () => usual.getCallCredentials(),
      destroy: () => usual.destroy(),
      connect: (plain) =>
        new Promise((resolve, reject) => {
          const socket = connect({ socket: plain, ...options }, () => resolve({ socket, secure: true }));
          socket.on('error', reject);
        }),
    };
  }
}

/** What the variables of the environment say that grpc-js goes by. */
function defaults(): { ciphers?: string; ca?: Buffer } {
  const { GRPC_SSL_CIPHER_SUITES: ciphers, GRPC_DEFAULT_SSL_ROOTS_FILE_PATH: roots } = process.env;
  return { ...(ciphers && { ciphers }), ...(roots && { ca: readFileSync(roots) }) };
}
