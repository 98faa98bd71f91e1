import { Command } from 'commander';
import {
  ExplainAcquireResponse,
  type KeyExplanation,
  PassedOver,
  passedOverToJSON,
} from '../../generated/keylease/v1/pool_admin_service.ts';
import { type AcquireOptions, acquireRequest, withAcquireOptions } from '../acquire-options.ts';
import type { Io } from '../io.ts';
import { dimensionWord, remainingOfLimit } from '../key-view.ts';
import { withSession } from '../session.ts';
import { type Column, type Layout, table } from '../table.ts';
import { number, plain, relative, score, word } from '../words.ts';

/** `keylease explain`: what `keylease lease` with the same options would get now, and why, key by key. */
export function explainVerb(io: Io): Command {
  return withAcquireOptions(new Command('explain').description('tell which key would be leased and why, changing nothing')).action(
    (options: AcquireOptions, command: Command) =>
      withSession(io, command, async ({ admin, bounded, print, layout }) => {
        const answer = await admin.explainAcquire({ acquireKey: acquireRequest(options) }, bounded());
        print(ExplainAcquireResponse.toJSON(answer), () => describe(answer, io.now(), layout));
      }),
  );
}

function describe(answer: ExplainAcquireResponse, now: number, layout: Layout): string {
  const keys = answer.keys.length === 0 ? 'No keys.' : table(columns(answer.chosenKeyId, now), answer.keys, layout);
  return `${keys}\n\n${plain(conclusion(answer, now))}`;
}

function conclusion(answer: ExplainAcquireResponse, now: number): string {
  const demand = `${number(answer.reservedInputTokens)} input and ${number(answer.reservedOutputTokens)} output tokens`;
  const model = answer.modelClass && ` of model class ${answer.modelClass}`;
  if (answer.chosenKeyId !== '') return `${answer.chosenKeyId} would be leased, reserving ${demand}${model}.`;
  const when = answer.roomTime ? `room for it ${relative(answer.roomTime, now)}` : 'no moment is known at which there would be';
  return `No key would be leased for ${demand}${model}: ${answer.refusal}, ${when}.`;
}

function columns(chosen: string, now: number): readonly Column<KeyExplanation>[] {
  return [
    { title: 'key', importance: 9, cell: (key) => key.keyId },
    { title: 'leased', importance: 8, cell: (key) => leased(key, chosen) },
    { title: 'priority', importance: 2, right: true, cell: (key) => String(key.priority) },
    { title: 'score', importance: 5, right: true, cell: (key) => score(key.capacityScore) },
    { title: 'binding limit', importance: 4, cell: bindingLimit },
    { title: 'room', importance: 6, cell: (key) => relative(key.roomTime, now) },
    { title: 'why', importance: 3, cell: (key) => key.message },
  ];
}

function leased(key: KeyExplanation, chosen: string): string {
  if (key.keyId === chosen) return 'this one';
  return key.passedOver === PassedOver.PASSED_OVER_UNSPECIFIED
    ? 'could be'
    : `no: ${word('PASSED_OVER_', passedOverToJSON(key.passedOver))}`;
}

function bindingLimit({ bindingLimit: limit }: KeyExplanation): string {
  return limit ? `${dimensionWord(limit.dimension)} ${remainingOfLimit(limit)}` : '';
}
