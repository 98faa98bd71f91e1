import type { PoolConfig } from '../pool/model.ts';
import type { ModelClass } from '../pool/upstream.ts';
import { modelClassOf } from '../provider/model-class.ts';

/** Classes that callers can bring up in one pool by naming models that no rule covers; any further model falls into `OTHER`. */
const UNRULED_CLASSES_MAX = 64;

/** Models of one pool whose class is remembered. */
const MODELS_MAX = 1_000;

const OTHER = 'other';

interface Known {
  readonly pool: PoolConfig;
  readonly classes: Map<string, ModelClass>;
  readonly unruled: Set<ModelClass>;
}

/**
 * Which class a model falls into. Bounded, because callers name the models and what is learnt is kept for each class. Classes are keys
 * of plain records, so names that every object has are none.
 */
export class ModelClasses {
  readonly #known = new Map<string, Known>();

  of(pool: PoolConfig, model: string): ModelClass {
    const known = this.#knownOf(pool);
    const remembered = known.classes.get(model);
    if (remembered !== undefined) return remembered;
    const found = classOf(known, model);
    if (known.classes.size < MODELS_MAX) known.classes.set(model, found);
    return found;
  }

  /** A new configuration may have other rules; the classes that callers brought up stay. */
  #knownOf(pool: PoolConfig): Known {
    const known = this.#known.get(pool.id);
    if (known?.pool === pool) return known;
    const made: Known = { pool, classes: new Map(), unruled: known?.unruled ?? new Set() };
    this.#known.set(pool.id, made);
    return made;
  }
}

function classOf({ pool, unruled }: Known, model: string): ModelClass {
  const found = modelClassOf(pool.modelClasses, model);
  if (found in Object.prototype) return OTHER;
  if (found === '' || pool.modelClasses.some(({ id }) => id === found)) return found;
  if (unruled.size >= UNRULED_CLASSES_MAX && !unruled.has(found)) return OTHER;
  unruled.add(found);
  return found;
}
