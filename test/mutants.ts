import { blocks } from './mutants/blocks.ts';
import { client } from './mutants/client.ts';
import { hostile } from './mutants/hostile.ts';
import { identity } from './mutants/identity.ts';
import { limits } from './mutants/limits.ts';
import { lines } from './mutants/lines.ts';
import type { Mutant } from './mutants/mutant.ts';
import { picks } from './mutants/picks.ts';
import { replicas } from './mutants/replicas.ts';
import { reports } from './mutants/reports.ts';
import { seams } from './mutants/seams.ts';
import { secrets } from './mutants/secrets.ts';
import { sights } from './mutants/sights.ts';

/** Every promise of the core and of what it stands on, each broken once. */
export const mutants: readonly Mutant[] = [
  ...limits,
  ...reports,
  ...blocks,
  ...picks,
  ...lines,
  ...seams,
  ...identity,
  ...client,
  ...replicas,
  ...secrets,
  ...sights,
  ...hostile,
];
