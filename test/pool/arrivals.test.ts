import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Arrivals } from '../../src/pool/arrivals.ts';

test('whoever comes and goes, it is a Set in the order of arrival', () => {
  const step = fc.record({ comes: fc.boolean(), member: fc.integer({ min: 0, max: 6 }) });
  const property = fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
    const [arrivals, model] = [new Arrivals<number>(), new Set<number>()];
    for (const { comes, member } of steps) {
      if (comes) arrivals.add(member);
      const went = !comes && arrivals.delete(member);
      expect(went).toBe(!comes && model.delete(member));
      if (comes) model.add(member);
      expect([arrivals.first, arrivals.size, [...arrivals.values()]]).toEqual([[...model][0], model.size, [...model]]);
    }
  });
  fc.assert(property);
});
