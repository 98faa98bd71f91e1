import { ConnectionTimeoutError, SocketClosedUnexpectedlyError } from '@redis/client';
import { AnswerMissing, type Login } from './connection.ts';

/** Says already what is wrong with a server and what to do. */
export class ServerFault extends Error {
  override name = 'ServerFault';
}

/** Which keys of the configuration say how a server is talked to. */
export type Section = 'store' | 'store.sentinels';

const UNTRUSTED =
  /^(SELF_SIGNED_CERT_IN_CHAIN|CERT_SIGNATURE_FAILURE|DEPTH_ZERO_SELF_SIGNED_CERT|UNABLE_TO_VERIFY_LEAF_SIGNATURE|UNABLE_TO_GET_ISSUER_CERT(_LOCALLY)?)$/;
const OUT_OF_DATE = /^CERT_(HAS_EXPIRED|NOT_YET_VALID)$/;

/** What is wrong, and what to do about it: a text for operators, without anything secret. */
export function reasonOf(cause: NodeJS.ErrnoException, { tls }: Login, section: Section = 'store'): string {
  const { code = '', message } = cause;
  if (cause instanceof ServerFault) return message;
  if (code === 'ECONNREFUSED') return 'nothing listens there; start the server, or name another one';
  if (code === 'ENOTFOUND') return 'there is no host of that name';
  if (/^(NOAUTH|WRONGPASS)/.test(message)) return `${message}; see to ${section}.username and ${section}.password`;
  if (message.startsWith('NOPERM')) return `${message}; give the user what "What the servers need" in docs/replicas.md lists`;
  return (tls === false ? reasonOfPlain(cause, section) : reasonOfTls(cause, section)) ?? message;
}

/** A server that expects TLS ends a connection that begins with anything else. */
function reasonOfPlain(cause: NodeJS.ErrnoException, section: Section): string | undefined {
  return isEnded(cause) ? `the server ended the connection; where it expects TLS, set ${section}.tls` : undefined;
}

function reasonOfTls(cause: NodeJS.ErrnoException, section: Section): string | undefined {
  const { code = '', message } = cause;
  if (UNTRUSTED.test(code))
    return `its certificate comes from an authority that is not trusted (${message}); name that authority in store.tls.ca`;
  if (OUT_OF_DATE.test(code)) return `its certificate is not valid now (${message}); renew it, or see to the clocks`;
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    const told = message.trim().replace(/:$/, '');
    return `its certificate is for another name (${told}); connect by a name that is in it, or set store.tls.server_name`;
  }
  if (code.endsWith('ALERT_CERTIFICATE_REQUIRED'))
    return 'the server asks for a certificate; name one in store.tls.cert, and its key in store.tls.key';
  if (code.startsWith('ERR_SSL_')) {
    const told = /SSL routines:[^:]*:([^:]+)/.exec(message)?.[1] ?? code;
    return `TLS failed (${told}); see to store.tls.cert and store.tls.key, and to what TLS the server speaks`;
  }
  const isSilent = isEnded(cause) || cause instanceof ConnectionTimeoutError || cause instanceof AnswerMissing;
  return isSilent ? `no TLS connection came about (${message}); where the server speaks plain text, leave out ${section}.tls` : undefined;
}

function isEnded(cause: NodeJS.ErrnoException): boolean {
  return cause.code === 'ECONNRESET' || cause instanceof SocketClosedUnexpectedlyError;
}
