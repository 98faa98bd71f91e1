import type { Path } from './mistake.ts';

/** Pools and keys as far as they can be recognized: so what is wrong between them is found even where their shape is wrong. */
export interface DraftPool {
  readonly path: Path;
  readonly id: unknown;
  readonly provider: unknown;
  readonly strategy: unknown;
  readonly modelClasses: readonly DraftItem[];
  readonly keys: readonly DraftKey[];
}

export interface DraftItem {
  readonly path: Path;
  readonly id: unknown;
}

interface DraftKey extends DraftItem {
  readonly secret: unknown;
}

/** Reads pools and keys out of any tree; what is not there is undefined. */
export function draftPools(tree: unknown): DraftPool[] {
  return itemsAt(['pools'], field(tree, 'pools')).map(({ path, item }) => ({
    path,
    id: field(item, 'id'),
    provider: field(item, 'provider'),
    strategy: field(item, 'strategy'),
    modelClasses: itemsAt([...path, 'model_classes'], field(item, 'model_classes')).map(({ path, item }) => ({
      path,
      id: field(item, 'id'),
    })),
    keys: itemsAt([...path, 'keys'], field(item, 'keys')).map(({ path, item }) => ({
      path,
      id: field(item, 'id'),
      secret: field(item, 'secret'),
    })),
  }));
}

function itemsAt(path: Path, list: unknown): { path: Path; item: unknown }[] {
  return Array.isArray(list) ? list.map((item, place) => ({ path: [...path, place], item })) : [];
}

/** What a mapping has under a key; undefined where it is no mapping or has no such key. */
export function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined;
}
