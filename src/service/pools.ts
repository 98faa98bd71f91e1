import { createHmac } from 'node:crypto';
import type { KeySettings, PoolSettings } from '../config/config.ts';
import { revealSecret, type Secret } from '../config/secret.ts';
import { withGroupLimits } from '../pool/limits.ts';
import type { KeyConfig, PoolConfig } from '../pool/model.ts';
import { strategyByName } from '../pool/strategy/index.ts';
import type { Credential, Headers } from '../pool/upstream.ts';
import { providerByName } from '../provider/index.ts';

/** The pool that a caller means who names none, where there are several. */
const DEFAULT_POOL = 'default';

/** Providers make none that is shorter than this. */
const SECRET_CHARACTERS_MIN = 8;

interface Pool {
  readonly config: PoolConfig;
  readonly secrets: ReadonlyMap<string, Secret>;
  /** Null: the provider's own. */
  readonly baseUrl: string | null;
}

/** Whether a text contains a secret; a very short one may be a part of anything. */
function tells(text: string, secret: Secret): boolean {
  const told = revealSecret(secret);
  return told.length >= SECRET_CHARACTERS_MIN && text.includes(told);
}

/** The pools of the configuration in force, with the secrets of their keys. */
export class Pools {
  readonly #installationKey: Uint8Array;
  #inForce = new Map<string, Pool>();
  /** Pools that have left the configuration since the start: leases on them still end. */
  readonly #retired = new Map<string, PoolConfig>();

  constructor(installationKey: Uint8Array) {
    this.#installationKey = installationKey;
  }

  /** Puts a configuration in force, all of it at once. */
  put(settings: readonly PoolSettings[]): void {
    const next = new Map(settings.map((pool) => [pool.id, this.#poolOf(pool)]));
    for (const [id, pool] of this.#inForce) if (!next.has(id)) this.#retired.set(id, pool.config);
    for (const id of next.keys()) this.#retired.delete(id);
    this.#inForce = next;
  }

  all(): readonly PoolConfig[] {
    return [...this.#inForce.values()].map(({ config }) => config);
  }

  /** The pool of that name; the empty name means the only one, or the one called `default`, of those that `counts` lets through. */
  named(name: string, counts: (pool: string) => boolean = () => true): PoolConfig | undefined {
    if (name !== '') return this.#inForce.get(name)?.config;
    const ids = [...this.#inForce.keys()].filter(counts);
    return this.#inForce.get(ids.length === 1 ? (ids[0] as string) : (ids.find((id) => id === DEFAULT_POOL) ?? ''))?.config;
  }

  /** The pool of a lease, also where it has left the configuration since. */
  ofLease(id: string): PoolConfig | undefined {
    return this.#inForce.get(id)?.config ?? this.#retired.get(id);
  }

  /** What a lease on the key hands out: the only way from a secret to the wire. */
  credential(poolId: string, keyId: string): Credential | undefined {
    const pool = this.#inForce.get(poolId);
    const secret = pool?.secrets.get(keyId);
    if (pool === undefined || secret === undefined) return undefined;
    const credential = pool.config.provider.credential(revealSecret(secret));
    return pool.baseUrl === null ? credential : { ...credential, baseUrl: pool.baseUrl };
  }

  /** A text for people without any secret that is in force: what providers answer may quote one. */
  withoutSecrets(text: string): string {
    const secrets = [...this.#inForce.values()].flatMap((pool) => [...pool.secrets.values()]);
    return secrets.reduce((shown, secret) => (tells(shown, secret) ? shown.replaceAll(revealSecret(secret), String(secret)) : shown), text);
  }

  /** Headers without those that tell the secret of the key they are about: such a value means nothing, and would be kept. */
  withoutSecretOf(poolId: string, keyId: string, headers: Headers): Headers {
    const secret = this.#inForce.get(poolId)?.secrets.get(keyId);
    if (secret === undefined || !headers.values().some((value) => tells(value, secret))) return headers;
    return new Map([...headers].filter(([, value]) => !tells(value, secret)));
  }

  #poolOf(settings: PoolSettings): Pool {
    const provider = providerByName(settings.provider);
    const strategy = strategyByName(settings.strategy);
    if (provider === undefined || strategy === undefined) throw new Error(`pool ${settings.id} was not checked`);
    const modelClasses = settings.modelClasses ?? provider.modelClasses;
    const keys = withGroupLimits(settings.keys.map((key) => this.#keyOf(key)));
    return {
      config: { ...settings, provider, strategy, modelClasses, keys },
      secrets: new Map(settings.keys.map(({ id, secret }) => [id, secret])),
      baseUrl: settings.baseUrl,
    };
  }

  #keyOf({ secret, ...key }: KeySettings): KeyConfig {
    return { ...key, fingerprint: this.#fingerprint(secret) };
  }

  /** Eight hex digits that tell secrets apart and let nobody test a guess who has not the installation's key. */
  #fingerprint(secret: Secret): string {
    return createHmac('sha256', this.#installationKey).update('fingerprint\n').update(revealSecret(secret)).digest('hex').slice(0, 8);
  }
}
