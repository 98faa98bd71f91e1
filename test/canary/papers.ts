import { createPrivateKey } from 'node:crypto';
import type { SecureClientSessionOptions } from 'node:http2';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { ConfigContent } from '../support/app.ts';
import { AUDIENCE, ISSUER, makePapers, type Papers } from '../support/auth-app.ts';
import { uri } from '../support/pki.ts';

/** What callers show and what the server shows them, with every secret of it by name. */
export interface Guard {
  readonly papers: Papers;
  /** The sections of the configuration that ask for it. */
  readonly sections: ConfigContent;
  readonly canaries: Readonly<Record<string, string>>;
  readonly shown: Readonly<Record<'token' | 'expiredToken' | 'jwt' | 'expiredJwt', string>>;
  /** How to connect with the certificate of a client, and without. */
  readonly tls: Readonly<Record<'certified' | 'bare', SecureClientSessionOptions>>;
  /** The private key of the server, as PEM and as a JSON Web Key. */
  readonly serverKey: { readonly pem: string; readonly jwk: object };
}

/** `holder` is in the file of tokens. */
export async function makeGuard(holder: string): Promise<Guard> {
  const papers = await makePapers();
  onTestFinished(() => papers.remove());
  const client = await papers.authority.issue({ names: [uri('spiffe://acme.test/ns/prod/sa/worker')] });
  papers.write('client.pem', client.cert);
  papers.write('client.key', client.key);
  const server = await papers.authority.issue();
  papers.write('server.pem', server.cert);
  papers.write('server.key', server.key);
  const shown = {
    token: papers.addToken(holder),
    expiredToken: papers.addToken(holder, Date.now() - 1_000),
    jwt: await papers.sign(),
    expiredJwt: await papers.sign({ iat: 1_000, exp: 2_000 }),
  };
  const at = (name: string) => join(papers.folder, name);
  const bare = { ca: papers.authority.pem };
  return {
    ...{ papers, shown },
    sections: {
      tls: { cert: at('server.pem'), key: at('server.key'), client_ca: at('ca.pem') },
      auth: {
        mtls: { trust_domain: 'acme.test' },
        tokens: { file: at('tokens.yaml') },
        jwt: { issuer: ISSUER, audience: AUDIENCE, jwks_file: at('jwks.json'), algorithms: ['ES256'] },
      },
      access: [{ holders: ['**'], verbs: ['acquire', 'report', 'mark', 'admin'] }],
    },
    canaries: {
      token: shown.token,
      'expired token': shown.expiredToken,
      ...jwtCanaries('JWT', shown.jwt),
      ...jwtCanaries('expired JWT', shown.expiredJwt),
      ...keyCanaries('key of the server', server.key),
      ...keyCanaries('key of the client', client.key),
    },
    tls: { certified: { ...bare, ...client }, bare },
    serverKey: { pem: server.key, jwk: createPrivateKey(server.key).export({ format: 'jwk' }) },
  };
}

/** A JWT without its signature is worth nothing. */
function jwtCanaries(name: string, jwt: string): Record<string, string> {
  return { [name]: jwt, [`${name}, its signature`]: jwt.split('.')[2] as string };
}

/** The number that makes a private key private: as a JSON Web Key has it, in hex, and the part of it on the second line of PEM. */
function keyCanaries(name: string, pem: string): Record<string, string> {
  const { d } = createPrivateKey(pem).export({ format: 'jwk' }) as { d: string };
  const secondLine = pem.split('\n')[2] as string;
  return {
    [name]: d,
    [`${name}, in hex`]: Buffer.from(d, 'base64url').toString('hex'),
    [`${name}, in PEM`]: secondLine.slice(0, SECRET_LETTERS),
  };
}

/** Of the second line of a P-256 key in PKCS #8; behind them stands the public key. */
const SECRET_LETTERS = 26;
