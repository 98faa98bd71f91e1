import type { PoolConfig } from '../pool/model.ts';
import type { ModelClass } from '../pool/upstream.ts';
import { modelClassOf } from '../provider/model-class.ts';

/** Classes that callers can bring up in one pool by naming models that no rule covers; any further model falls into `OTHER`. */
const UNRULED_CLASSES_MAX = 64;

const OTHER = 'other';

/**
 * Which class a model falls into. Classes are keys of plain records, so names that every object has are none. Bounded, because what is learnt is kept for each class, and callers name the models.
 */
export class ModelClasses {
  readonly #unruled = new Map<string, Set<ModelClass>>();

  of(pool: PoolConfig, model: string): ModelClass {
    const found = modelClassOf(pool.modelClasses, model);
    if (found in Object.prototype) return OTHER;
    if (found === '' || pool.modelClasses.some(({ id }) => id === found)) return found;
    let known = this.#unruled.get(pool.id);
    if (known === undefined) {
      known = new Set();
      this.#unruled.set(pool.id, known);
    }
    if (known.size >= UNRULED_CLASSES_MAX && !known.has(found)) return OTHER;
    known.add(found);
    return found;
  }
}
