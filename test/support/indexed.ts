import { type AcquireOutcome, type AcquireRequest, acquire } from '../../src/pool/acquire.ts';
import { KeyCandidate } from '../../src/pool/candidate.ts';
import type { Change, Facts, KeyConfig } from '../../src/pool/model.ts';
import { knownKey } from '../../src/pool/room.ts';
import { Indexes } from '../../src/service/indexes.ts';

/** Asks an index the same as the rule, so that every test of the rule is one of the index. */
export class IndexedTwin {
  readonly #read: () => Facts;
  readonly #indexes: Indexes;
  #follow: (change: Change) => void = () => {};

  /** `read` gives the facts as they stand after a change. */
  constructor(read: () => Facts) {
    this.#read = read;
    const onChange = (listener: (change: Change) => void) => {
      this.#follow = listener;
    };
    this.#indexes = new Indexes({ read: () => this.#read(), onChange, onHealth: () => {} }, 0);
  }

  follow(change: Change): void {
    this.#follow(change);
  }

  /** Throws where the index answers otherwise than looking at every key: another kind, another moment, or a key that is more than 1 % worse. */
  compare(facts: Facts, request: AcquireRequest, scanned: AcquireOutcome): void {
    const { value } = facts.pool.strategy;
    if (value === undefined) return;
    const chance = {
      random: () => 0,
      mintLeaseId: () => 'twin',
      indexOf: (each: Facts, modelClass: string) => this.#indexes.of(each, modelClass),
    };
    const { outcome } = acquire(facts, request, chance);
    const worth = (keyId: string) => value(new KeyCandidate(knownKey(facts, configOf(facts, keyId)), request.modelClass, facts.now));
    if (outcome.kind !== scanned.kind) throw new Error(`the index says ${outcome.kind}, the rule ${scanned.kind}`);
    if (outcome.kind === 'exhausted' && scanned.kind === 'exhausted' && outcome.retryTime !== scanned.retryTime) {
      throw new Error(`the index says ${outcome.retryTime}, the rule ${scanned.retryTime}`);
    }
    if (outcome.kind !== 'granted' || scanned.kind !== 'granted') return;
    const [found, best] = [configOf(facts, outcome.lease.keyId), configOf(facts, scanned.lease.keyId)];
    if (found.priority !== best.priority) throw new Error(`the index leases of tier ${found.priority}, the rule of ${best.priority}`);
    const isSame = request.affinity === '' ? worth(found.id) >= worth(best.id) * 0.99 : found.id === best.id;
    if (!isSame) throw new Error(`the index leases ${found.id} (${worth(found.id)}), the rule ${best.id} (${worth(best.id)})`);
  }
}

function configOf(facts: Facts, keyId: string): KeyConfig {
  const config = facts.pool.keys.find(({ id }) => id === keyId);
  if (config === undefined) throw new Error(`no key ${keyId}`);
  return config;
}
