import type { Metadata } from '@grpc/grpc-js';
import type { Authenticator } from '../auth/authenticator.ts';
import type { Credentials, Identified } from '../auth/identity.ts';
import type { Problem } from '../service/problem.ts';

/** Who calls, where no authentication is configured. */
const ANONYMOUS: Identified = { ok: true, holder: 'anonymous', validUntil: Number.POSITIVE_INFINITY };

/** A call as far as it shows who makes it. */
export interface ShowsIdentity {
  readonly metadata: Metadata;
  getAuthContext(): { readonly sslPeerCertificate?: { readonly subjectaltname?: string | undefined; readonly valid_to: string } };
}

/** A holder, or why there is none. */
export type Who = string | Extract<Problem, { kind: 'unauthenticated' }>;

/** Where the authenticator in force is kept. */
export class Identities {
  #authenticator: Authenticator | null = null;

  /** Puts another way of finding out in force; null: nobody has to say who calls. What was shown earlier is looked at again. */
  put(authenticator: Authenticator | null): void {
    this.#authenticator = authenticator;
  }

  get authenticator(): Authenticator | null {
    return this.#authenticator;
  }

  /** The identity of a call that came in; looked for when it is asked. */
  of(call: ShowsIdentity, isUnix: boolean): Identity {
    return new Identity(this, call, isUnix);
  }
}

/** Who makes one call or keeps one stream: found out once, and again where time or a reload may have changed the answer. */
export class Identity {
  readonly #from: Identities;
  readonly #call: ShowsIdentity;
  readonly #isUnix: boolean;
  #credentials: Credentials | undefined;
  #found: { readonly by: Authenticator | null; readonly identified: Extract<Identified, { ok: true }> } | undefined;

  constructor(from: Identities, call: ShowsIdentity, isUnix: boolean) {
    this.#from = from;
    this.#call = call;
    this.#isUnix = isUnix;
  }

  /** At once wherever that is possible. */
  who(): Who | Promise<Who> {
    const by = this.#from.authenticator;
    const now = Date.now();
    if (this.#found?.by === by && now < this.#found.identified.validUntil) return this.#found.identified.holder;
    if (by === null) return this.#keep(by, ANONYMOUS);
    this.#credentials ??= credentialsOf(this.#call, this.#isUnix);
    const identified = by.identify(this.#credentials, now);
    return identified instanceof Promise ? identified.then((later) => this.#keep(by, later)) : this.#keep(by, identified);
  }

  /** By the wall clock: until then the last answer of `who` stands, unless a reload changes it. */
  get validUntil(): number {
    return this.#found?.identified.validUntil ?? Number.POSITIVE_INFINITY;
  }

  /** Whether it is this holder still; at once wherever that is possible. */
  isStill(holder: string): boolean | Promise<boolean> {
    const who = this.who();
    return who instanceof Promise ? who.then((later) => later === holder) : who === holder;
  }

  #keep(by: Authenticator | null, identified: Identified): Who {
    this.#found = identified.ok ? { by, identified } : undefined;
    return identified.ok ? identified.holder : { kind: 'unauthenticated', why: identified.why };
  }
}

function credentialsOf(call: ShowsIdentity, isUnix: boolean): Credentials {
  const certificate = call.getAuthContext().sslPeerCertificate;
  return {
    certificate:
      certificate === undefined
        ? null
        : { subjectAltName: certificate.subjectaltname ?? '', expireTime: Date.parse(certificate.valid_to) || 0 },
    authorization: call.metadata.get('authorization').map(String),
    isUnix,
  };
}
