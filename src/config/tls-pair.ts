import { createPrivateKey, X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { inspect } from 'node:util';

let readKey: <K extends string | null>(files: KeyFiles<K>) => K;

/** PEM files with a private key among them. Every way to print them gives `[tls]`. */
export class KeyFiles<K extends string | null> {
  readonly #key: K;

  constructor(key: K) {
    this.#key = key;
  }

  toJSON(): string {
    return '[tls]';
  }

  [inspect.custom](): string {
    return '[tls]';
  }

  static {
    readKey = (files) => files.#key;
  }
}

/** What a TLS server shows and trusts, as PEM. */
export class TlsFiles extends KeyFiles<string> {
  readonly cert: string;
  /** null: clients are not asked for a certificate. */
  readonly clientCa: string | null;

  constructor(cert: string, key: string, clientCa: string | null) {
    super(key);
    this.cert = cert;
    this.clientCa = clientCa;
  }
}

/** The private key: only for the transport. */
export function privateKeyOf<K extends string | null>(files: KeyFiles<K>): K {
  return readKey(files);
}

/** What is wrong with a certificate and its key; undefined: they belong together. No text repeats what the files hold. */
export function certificateProblem(cert: string): string | undefined {
  try {
    new X509Certificate(cert);
    return undefined;
  } catch {
    return 'the file holds no certificate in PEM, or only a part of it';
  }
}

export function keyProblem(cert: string, key: string): string | undefined {
  try {
    const privateKey = createPrivateKey(key);
    if (!new X509Certificate(cert).checkPrivateKey(privateKey)) return 'the key is not that of the certificate';
    createSecureContext({ cert, key, minVersion: 'TLSv1.2' });
    return undefined;
  } catch {
    return 'the file holds no private key in PEM that can be used without a passphrase, or only a part of it';
  }
}

/** What is wrong with a list of authorities. */
export function authorityProblem(pem: string): string | undefined {
  const certificates = pem.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g) ?? [];
  const isWhole = certificates.length > 0 && certificates.length === pem.split('-----BEGIN').length - 1;
  return isWhole && certificates.every((certificate) => certificateProblem(certificate) === undefined)
    ? undefined
    : 'the file holds no certificates in PEM, or only a part of them';
}
