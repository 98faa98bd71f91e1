import type { SecureContextOptions } from 'node:tls';
import { ServerCredentials } from '@grpc/grpc-js';
import type { TlsSettings } from '../config/assemble-auth.ts';
import { privateKeyOf } from '../config/tls-pair.ts';

/**
 * TLS whose certificate, key and authorities can be replaced while it serves: connections go on, new ones see the new files. It
 * starts with files that were read and checked, so there is no moment without a certificate.
 */
export class TlsCredentials extends ServerCredentials {
  readonly #asksForCertificate: boolean;
  readonly #requiresCertificate: boolean;

  constructor({ files, requireClientCert }: TlsSettings) {
    // A certificate that is not trusted counts as none, unless one is required: then the handshake fails.
    super({ requestCert: files.clientCa !== null, rejectUnauthorized: requireClientCert }, contextOf(files));
    this.#asksForCertificate = files.clientCa !== null;
    this.#requiresCertificate = requireClientCert;
  }

  /** Puts other files in force. False: whether certificates are asked for has changed too, and that is fixed once it listens. */
  put({ files, requireClientCert }: TlsSettings): boolean {
    if ((files.clientCa !== null) !== this.#asksForCertificate || requireClientCert !== this.#requiresCertificate) return false;
    this.updateSecureContextOptions(contextOf(files));
    return true;
  }

  override _equals(other: ServerCredentials): boolean {
    return other === this;
  }
}

function contextOf(files: TlsSettings['files']): SecureContextOptions {
  const ca = files.clientCa === null ? {} : { ca: files.clientCa };
  return { cert: files.cert, key: privateKeyOf(files), minVersion: 'TLSv1.2', ...ca };
}
