import type { ModelClassRule } from '../pool/upstream.ts';

/** A family of older models shares an allowance; from Opus 5, Sonnet 5 and Haiku 4.5 on, each version has its own. */
const FAMILIES: readonly ModelClassRule[] = [
  { id: 'claude-opus-5-5', models: ['claude-opus-5-5*'] },
  { id: 'claude-opus-5', models: ['claude-opus-5*'] },
  { id: 'claude-opus-4', models: ['claude-opus-4*'] },
  { id: 'claude-sonnet-5', models: ['claude-sonnet-5*'] },
  { id: 'claude-sonnet-4', models: ['claude-sonnet-4*'] },
  { id: 'claude-haiku-4-5', models: ['claude-haiku-4-5*'] },
  { id: 'claude-fable-5', models: ['claude-fable-5*'] },
  { id: 'claude-mythos-5', models: ['claude-mythos-5*'] },
  { id: 'claude-3-7-sonnet', models: ['claude-3-7-sonnet*'] },
  { id: 'claude-3-5-sonnet', models: ['claude-3-5-sonnet*'] },
  { id: 'claude-3-5-haiku', models: ['claude-3-5-haiku*'] },
  { id: 'claude-3-opus', models: ['claude-3-opus*'] },
  { id: 'claude-3-sonnet', models: ['claude-3-sonnet*'] },
  { id: 'claude-3-haiku', models: ['claude-3-haiku*'] },
];

/** Fast mode is asked for beside the model's name, so a lease for it says `-fast` after the name. */
const FAST_FAMILIES = FAMILIES.filter(({ id }) => id.startsWith('claude-opus-')).map(({ id, models }) => ({
  id: `${id}-fast`,
  models: models.map((glob) => `${glob}-fast`),
}));

export const modelClasses: readonly ModelClassRule[] = [...FAST_FAMILIES, ...FAMILIES];
