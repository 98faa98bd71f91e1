/** What `tsyringe` below `@peculiar/x509` asks of the runtime and no runtime has yet: notes about classes. */
const notes = new WeakMap<object, Map<unknown, unknown>>();

Object.assign(Reflect, {
  getMetadata: (key: unknown, target: object) => notes.get(target)?.get(key),
  getOwnMetadata: (key: unknown, target: object) => notes.get(target)?.get(key),
  defineMetadata: (key: unknown, value: unknown, target: object) => {
    notes.set(target, (notes.get(target) ?? new Map()).set(key, value));
  },
});
