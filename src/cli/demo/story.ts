import { KeyState, type KeyStatus, LimitSource } from '../../generated/keylease/v1/key.ts';
import { dimensionWord, reasonWord, stateWord } from '../key-view.ts';
import { number, relative } from '../words.ts';

export type Keys = ReadonlyMap<string, KeyStatus>;

/** One sentence of the story. What is routine happens again and again; the rest must not be missed. */
export interface Sentence {
  readonly text: string;
  readonly routine: boolean;
}

const ROUTINE: ReadonlySet<KeyState> = new Set([KeyState.KEY_STATE_AVAILABLE, KeyState.KEY_STATE_COOLDOWN]);

/** What happened to the keys between two looks at them; keys to which the same happened share a sentence. */
export function tellChanges(before: Keys, after: Keys, now: number): readonly Sentence[] {
  const news = [...tellMerges(before, after), ...tellLearnt(before, after), ...tellStates(before, after, now, false)];
  return [
    ...news.map((text) => ({ text, routine: false })),
    ...tellStates(before, after, now, true).map((text) => ({ text, routine: true })),
  ];
}

function tellMerges(before: Keys, after: Keys): readonly string[] {
  const merged = (keys: Keys) => [...groups(keys)].filter(([, members]) => members.length > 1).map(([, members]) => members.join(' and '));
  const known = new Set(merged(before));
  return merged(after)
    .filter((members) => !known.has(members))
    .map((members) => `${members} turn out to be one organization: one allowance, not several`);
}

function tellLearnt(before: Keys, after: Keys): readonly string[] {
  const learnt = [...groups(after).values()].filter((members) => {
    const first = members[0]!;
    return learnedLimits(after.get(first)) !== '' && members.every((id) => learnedLimits(before.get(id)) === '');
  });
  return together(learnt.map((members) => [members.join(' and '), learnedLimits(after.get(members[0]!))])).map(
    ([members, limits]) => `limits learnt from the headers of ${members}: ${limits} a minute`,
  );
}

function tellStates(before: Keys, after: Keys, now: number, routine: boolean): readonly string[] {
  const changed = [...after.values()].filter((key) => {
    const old = before.get(key.keyId);
    return old !== undefined && ROUTINE.has(key.state) === routine && (old.state !== key.state || old.reason !== key.reason);
  });
  return together(changed.map((key) => [key.keyId, stateSentence(key, now)])).map(([members, sentence]) => `${members}: ${sentence}`);
}

function stateSentence(key: KeyStatus, now: number): string {
  if (key.state === KeyState.KEY_STATE_AVAILABLE) return 'available again';
  const again = relative(key.availableTime, now);
  return `${stateWord(key.state)} (${reasonWord(key)})${again && `, available ${again}`}`;
}

function learnedLimits(key: KeyStatus | undefined): string {
  const learned = key?.limits.filter((limit) => limit.source === LimitSource.LIMIT_SOURCE_LEARNED) ?? [];
  return learned.map((limit) => `${number(limit.limit)} ${dimensionWord(limit.dimension)}`).join(', ');
}

function groups(keys: Keys): ReadonlyMap<string, readonly string[]> {
  const byGroup = Map.groupBy(keys.values(), (key) => key.limitGroup);
  return new Map([...byGroup].map(([group, members]) => [group, members.map((key) => key.keyId)]));
}

function together(told: readonly (readonly [id: string, what: string])[]): readonly (readonly [ids: string, what: string])[] {
  return [...Map.groupBy(told, ([, what]) => what)].map(([what, ids]) => [ids.map(([id]) => id).join(', '), what]);
}
