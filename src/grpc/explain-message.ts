import { ErrorInfo } from '../generated/google/rpc/error_details.ts';
import { type ExplainAcquireResponse, type KeyExplanation, PassedOver } from '../generated/keylease/v1/pool_admin_service.ts';
import type * as core from '../pool/explain.ts';
import { limitView } from '../pool/status.ts';
import type { Millis } from '../pool/upstream.ts';
import { amountOf, blockMessage, limitMessage } from './messages.ts';
import { statusOf } from './status.ts';
import { maybeTimestampOf } from './time.ts';
import { PASSED_OVER } from './words.ts';

interface Explained {
  readonly explanation: core.Explanation;
  readonly modelClass: string;
  readonly now: Millis;
}

export function explainResponse({ explanation, modelClass, now }: Explained): ExplainAcquireResponse {
  const { refusal } = explanation;
  return {
    keys: explanation.keys.map((key) => keyExplanation(key, modelClass, now)),
    chosenKeyId: explanation.chosenKeyId ?? '',
    modelClass,
    reservedInputTokens: amountOf(explanation.wanted.inputTokens),
    reservedOutputTokens: amountOf(explanation.wanted.outputTokens),
    refusal: refusal === null ? '' : reasonOf(refusal, now),
    roomTime: maybeTimestampOf(refusal?.kind === 'exhausted' ? refusal.retryTime : null),
  };
}

/** The reason that an acquire would carry, from the one table that has it. */
function reasonOf(refusal: NonNullable<core.Explanation['refusal']>, now: Millis): string {
  const [info] = statusOf(refusal, now).details;
  return info === undefined ? '' : ErrorInfo.decode(info.value).reason;
}

function keyExplanation(key: core.KeyExplanation, modelClass: string, now: Millis): KeyExplanation {
  return {
    keyId: key.config.id,
    priority: key.config.priority,
    capacityScore: key.score,
    passedOver: key.passedOver === null ? PassedOver.PASSED_OVER_UNSPECIFIED : PASSED_OVER[key.passedOver],
    bindingLimit: key.binding && limitMessage(limitView(key.binding, modelClass, now)),
    roomTime: maybeTimestampOf(key.roomTime),
    message: messageOf(key, now),
    blocks: key.blocks.map(blockMessage),
  };
}

const WORDS: Readonly<Record<NonNullable<core.KeyExplanation['passedOver']>, string>> = {
  no_room: 'too little is left of a limit',
  demand_exceeds_limit: 'the demand is more than a limit allows even when it is full',
  max_leases: 'as many leases are out as max_leases allows',
  cooldown: 'in cooldown',
  unhealthy: 'unhealthy',
  probation: 'on probation, and its one lease is out',
  draining: 'draining',
  excluded: 'excluded by the caller',
};

function messageOf({ passedOver, roomTime }: core.KeyExplanation, now: Millis): string {
  if (passedOver === null) return 'has room';
  const when = roomTime === null ? '' : `; has room in ${((roomTime - now) / 1000).toFixed(3)} s`;
  return WORDS[passedOver] + when;
}
