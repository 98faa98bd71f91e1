/** The words of the wire and those of the core, both ways. */
import { BlockScope, Dimension, KeyState, LimitSource, UnhealthyReason } from '../generated/keylease/v1/key.ts';
import { RetryAction, Verdict, VerdictScope } from '../generated/keylease/v1/key_lease_service.ts';
import { LeaseState } from '../generated/keylease/v1/lease.ts';
import { PassedOver } from '../generated/keylease/v1/pool_admin_service.ts';
import type { BlockScope as CoreBlockScope } from '../pool/block.ts';
import type * as core from '../pool/model.ts';
import type { RetryAdvice } from '../pool/retry.ts';
import type { PassedOver as CorePassedOver } from '../pool/room.ts';
import type { KeyStateName } from '../pool/status.ts';
import type * as upstream from '../pool/upstream.ts';

export const KEY_STATES: Readonly<Record<KeyStateName, KeyState>> = {
  available: KeyState.KEY_STATE_AVAILABLE,
  cooldown: KeyState.KEY_STATE_COOLDOWN,
  unhealthy: KeyState.KEY_STATE_UNHEALTHY,
  probation: KeyState.KEY_STATE_PROBATION,
  draining: KeyState.KEY_STATE_DRAINING,
};

export const REASONS: Readonly<Record<core.Reason, UnhealthyReason>> = {
  invalid_credential: UnhealthyReason.UNHEALTHY_REASON_INVALID_CREDENTIAL,
  permission_denied: UnhealthyReason.UNHEALTHY_REASON_PERMISSION_DENIED,
  billing: UnhealthyReason.UNHEALTHY_REASON_BILLING,
  rate_limited: UnhealthyReason.UNHEALTHY_REASON_RATE_LIMITED,
  overloaded: UnhealthyReason.UNHEALTHY_REASON_OVERLOADED,
  server_error: UnhealthyReason.UNHEALTHY_REASON_SERVER_ERROR,
  no_response: UnhealthyReason.UNHEALTHY_REASON_NO_RESPONSE,
  operator: UnhealthyReason.UNHEALTHY_REASON_OPERATOR,
};

/** The reason that a caller gave; undefined: none that there is. */
export function reasonOf(value: UnhealthyReason): core.Reason | undefined {
  return (Object.keys(REASONS) as core.Reason[]).find((reason) => REASONS[reason] === value);
}

export const DIMENSIONS: Readonly<Record<upstream.Dimension, Dimension>> = {
  requests: Dimension.DIMENSION_REQUESTS,
  input_tokens: Dimension.DIMENSION_INPUT_TOKENS,
  output_tokens: Dimension.DIMENSION_OUTPUT_TOKENS,
  tokens: Dimension.DIMENSION_TOKENS,
};

export const SOURCES: Readonly<Record<core.Meter['source'], LimitSource>> = {
  configured: LimitSource.LIMIT_SOURCE_CONFIGURED,
  learned: LimitSource.LIMIT_SOURCE_LEARNED,
};

export const LEASE_ENDS: Readonly<Record<core.LeaseEnd, LeaseState>> = {
  settled: LeaseState.LEASE_STATE_SETTLED,
  released: LeaseState.LEASE_STATE_RELEASED,
  expired: LeaseState.LEASE_STATE_EXPIRED,
  revoked: LeaseState.LEASE_STATE_REVOKED,
};

export const VERDICTS: Readonly<Record<upstream.Verdict, Verdict>> = {
  ok: Verdict.VERDICT_OK,
  rate_limited: Verdict.VERDICT_RATE_LIMITED,
  overloaded: Verdict.VERDICT_OVERLOADED,
  invalid_credential: Verdict.VERDICT_INVALID_CREDENTIAL,
  billing: Verdict.VERDICT_BILLING,
  forbidden: Verdict.VERDICT_FORBIDDEN,
  environment: Verdict.VERDICT_ENVIRONMENT,
  client_error: Verdict.VERDICT_CLIENT_ERROR,
  server_error: Verdict.VERDICT_SERVER_ERROR,
  no_response: Verdict.VERDICT_NO_RESPONSE,
};

export const SCOPES: Readonly<Record<upstream.VerdictScope, VerdictScope>> = {
  request: VerdictScope.VERDICT_SCOPE_REQUEST,
  key_model: VerdictScope.VERDICT_SCOPE_KEY_MODEL,
  key: VerdictScope.VERDICT_SCOPE_KEY,
  limit_group: VerdictScope.VERDICT_SCOPE_LIMIT_GROUP,
  provider: VerdictScope.VERDICT_SCOPE_PROVIDER,
};

export const BLOCK_SCOPES: Readonly<Record<CoreBlockScope, BlockScope>> = {
  key: BlockScope.BLOCK_SCOPE_KEY,
  key_model: BlockScope.BLOCK_SCOPE_KEY_MODEL,
  limit_group: BlockScope.BLOCK_SCOPE_LIMIT_GROUP,
  provider: BlockScope.BLOCK_SCOPE_PROVIDER,
};

export const RETRY_ACTIONS: Readonly<Record<RetryAdvice['action'], RetryAction>> = {
  none: RetryAction.RETRY_ACTION_NONE,
  other_key: RetryAction.RETRY_ACTION_OTHER_KEY,
  after_delay: RetryAction.RETRY_ACTION_AFTER_DELAY,
  do_not_retry: RetryAction.RETRY_ACTION_DO_NOT_RETRY,
};

export const PASSED_OVER: Readonly<Record<CorePassedOver, PassedOver>> = {
  no_room: PassedOver.PASSED_OVER_NO_ROOM,
  demand_exceeds_limit: PassedOver.PASSED_OVER_DEMAND_EXCEEDS_LIMIT,
  max_leases: PassedOver.PASSED_OVER_MAX_LEASES,
  cooldown: PassedOver.PASSED_OVER_COOLDOWN,
  unhealthy: PassedOver.PASSED_OVER_UNHEALTHY,
  probation: PassedOver.PASSED_OVER_PROBATION,
  draining: PassedOver.PASSED_OVER_DRAINING,
  excluded: PassedOver.PASSED_OVER_EXCLUDED,
};
