import type { Chance } from '../pool/acquire.ts';
import type { Store } from '../store/store.ts';
import { counted } from './counted.ts';
import type { Counts } from './counts.ts';
import { Expiry } from './expiry.ts';
import { Gate } from './gate.ts';
import { Generations } from './generations.ts';
import { guarded } from './guarded.ts';
import { Indexes } from './indexes.ts';
import { LeaseIds } from './lease-id.ts';
import { type Events, type LeaseApi, Leases } from './leases.ts';
import { measuredStore } from './measured-store.ts';
import { Pools } from './pools.ts';
import { type Recorder, recorded } from './record.ts';
import { Waiting } from './waiting.ts';
import { Watches } from './watch.ts';

/** The use cases over one store, put together. */
export interface Service {
  readonly store: Store;
  readonly pools: Pools;
  readonly expiry: Expiry;
  readonly waiting: Waiting;
  /** Who may do what; open until it is told otherwise. */
  readonly gate: Gate;
  readonly leases: Leases;
  /** The calls of programs, with every layer around them. */
  readonly calls: LeaseApi;
  readonly watches: Watches;
  readonly generations: Generations;
}

/** `random` draws from [0, 1). A recorder writes down what callers ask and report; counts are raised by everything that happens. */
export function createService(bare: Store, random: () => number, events: Events, recorder?: Recorder, counts?: Counts): Service {
  const pools = new Pools(bare.installationKey);
  const store = counts === undefined ? bare : measuredStore(bare, counts, (id) => pools.ofLease(id));
  const poolOfLease = (id: string) => pools.ofLease(id);
  const expiry: Expiry = new Expiry(store, poolOfLease, (lease) => leases.noteExpired(lease));
  const ids = new LeaseIds(store.installationKey);
  const indexes = new Indexes(store);
  const chance: Chance = {
    random,
    mintLeaseId: (claims) => ids.mint(claims),
    indexOf: (facts, modelClass) => indexes.of(facts, modelClass),
    homeIndexOf: (facts, modelClass) => indexes.ofHome(facts, modelClass),
  };
  const waiting = new Waiting({ store, expiry, chance, poolOf: (id) => pools.named(id) });
  const options = { store, expiry, pools, waiting, ids, chance, events };
  const leases = new Leases(options);
  const gate = new Gate({ pools, ids, now: () => store.now() });
  const inner = recorder === undefined ? leases : recorded(leases, recorder, options);
  const uncounted = guarded(inner, gate);
  const calls = counts === undefined ? uncounted : counted(uncounted, counts, options);
  const watches = new Watches(store, pools);
  const generations = new Generations({ store, expiry, pools, waiting, watches });
  return { store, pools, expiry, waiting, gate, leases, calls, watches, generations };
}
