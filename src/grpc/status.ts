import { status as codes, Metadata, type ServiceError } from '@grpc/grpc-js';
import type { Any } from '../generated/google/protobuf/any.ts';
import { BadRequest, ErrorInfo, QuotaFailure, ResourceInfo, RetryInfo } from '../generated/google/rpc/error_details.ts';
import { Status } from '../generated/google/rpc/status.ts';
import type { RefusalCounts } from '../pool/refusal.ts';
import type { Millis } from '../pool/upstream.ts';
import type { FieldViolation, Forbidden, Problem } from '../service/problem.ts';
import { durationOf } from './time.ts';

const DOMAIN = 'keylease';

/** Other stacks allow about 8 KB of metadata in all, and a trailer of 100 KB hangs some clients for good. */
const DETAILS_BYTES_MAX = 4_096;

/** What a name from a request may take in a message, and what a message may take. */
const NAME_CHARACTERS_MAX = 64;
const MESSAGE_CHARACTERS_MAX = 1_024;

/** How many violations one answer names, and what each may take. */
const VIOLATIONS_MAX = 12;
const DESCRIPTION_CHARACTERS_MAX = 160;

/** How long to wait for a store or a server that is away. */
const AWAY_RETRY_MS = 1_000;

/** THE table: what each problem is on the wire. */
export function statusOf(problem: Problem, now: Millis): Status {
  switch (problem.kind) {
    case 'not_found': {
      const name = shortened(problem.name, NAME_CHARACTERS_MAX);
      const shown = problem.resource === 'lease' ? 'such lease' : `${problem.resource} "${name}"`;
      return make(codes.NOT_FOUND, `no ${shown}`, [info('NOT_FOUND', {}), resource(problem.resource, name)]);
    }
    case 'invalid':
      return make(codes.INVALID_ARGUMENT, listed(problem.violations.map(fieldText)), [
        info('INVALID_FIELDS', {}),
        badRequest(problem.violations),
      ]);
    case 'request_id_reused': {
      const violation = { field: 'request_id', description: 'was used before by this holder with another content' };
      return make(codes.INVALID_ARGUMENT, fieldText(violation), [info('REQUEST_ID_REUSED', {}), badRequest([violation])]);
    }
    case 'exhausted': {
      const { counts, retryTime } = problem;
      const when = retryTime === null ? '' : `; the first has room in ${((retryTime - now) / 1000).toFixed(3)} s`;
      return make(codes.RESOURCE_EXHAUSTED, `none of ${counts.keys} keys has room (${countsText(counts)})${when}`, [
        info('ALL_KEYS_EXHAUSTED', countsMetadata(counts)),
        ...retry(retryTime, now),
      ]);
    }
    case 'demand_exceeds_limit': {
      const violations = problem.exceeded.map((each) => ({
        subject: `key:${each.keyId}`,
        description: `${each.dimension}: ${each.demand} asked, the limit is ${each.limit}`,
      }));
      return make(
        codes.FAILED_PRECONDITION,
        `the demand exceeds a limit of every key: ${listed(violations.map((each) => each.description))}`,
        [
          info('DEMAND_EXCEEDS_LIMIT', countsMetadata(problem.counts)),
          pack(
            'google.rpc.QuotaFailure',
            QuotaFailure.encode(QuotaFailure.fromPartial({ violations: violations.slice(0, VIOLATIONS_MAX) })).finish(),
          ),
        ],
      );
    }
    case 'no_healthy_keys':
      return make(
        codes.FAILED_PRECONDITION,
        `each of ${problem.counts.keys} keys is unhealthy or draining (${countsText(problem.counts)})`,
        [info('NO_HEALTHY_KEYS', countsMetadata(problem.counts))],
      );
    case 'too_many_calls':
      return make(codes.RESOURCE_EXHAUSTED, 'too many calls are under way on this server', [
        info('TOO_MANY_CALLS', {}),
        ...retry(now + AWAY_RETRY_MS, now),
      ]);
    case 'message_late':
      return make(codes.DEADLINE_EXCEEDED, `the message of the call did not arrive within ${problem.afterMs} ms`, [
        info('MESSAGE_LATE', {}),
      ]);
    case 'too_many_waiters':
      return make(codes.RESOURCE_EXHAUSTED, 'the line is full', [info('TOO_MANY_WAITERS', {}), ...retry(problem.retryTime, now)]);
    case 'holder_limited':
      return make(codes.RESOURCE_EXHAUSTED, `this holder has reached its cap: ${problem.cap} is ${problem.limit}`, [
        info('HOLDER_LIMITED', { cap: problem.cap, limit: String(problem.limit) }),
        ...retry(problem.retryTime, now),
      ]);
    case 'unauthenticated':
      return make(codes.UNAUTHENTICATED, problem.why, [info('UNAUTHENTICATED', {})]);
    case 'forbidden':
      return make(codes.PERMISSION_DENIED, forbiddenText(problem.what), [info('PERMISSION_DENIED', {})]);
    case 'unavailable':
      return make(codes.UNAVAILABLE, UNAVAILABLE_TEXT[problem.why], [
        info(problem.why.toUpperCase(), {}),
        ...retry(now + AWAY_RETRY_MS, now),
      ]);
    case 'config_mistakes': {
      const violations = problem.mistakes.map((description) => ({ field: '(configuration)', description }));
      return make(codes.INVALID_ARGUMENT, `the configuration has mistakes, nothing was changed: ${listed(problem.mistakes)}`, [
        info('CONFIG_MISTAKES', {}),
        badRequest(violations),
      ]);
    }
    case 'cancelled':
      return make(codes.CANCELLED, 'the call was cancelled', []);
    default:
      return problem satisfies never;
  }
}

/** The same words whether there is such a pool or not. */
function forbiddenText(what: Forbidden): string {
  if ('priority' in what) return `this holder may ask for priorities up to ${what.priorityMax}, not ${what.priority}`;
  const where = 'on' in what ? what.on : `pool "${shortened(what.pool, NAME_CHARACTERS_MAX)}"`;
  return `this holder may not ${what.verb} on ${where}`;
}

const UNAVAILABLE_TEXT = {
  store_lost: 'the store is lost; nothing was changed',
  audit_lost: 'the audit cannot be written; no key is leased until it can',
  draining: 'the server is shutting down; nothing was changed',
  contended: 'too many changes at once; nothing was changed',
} as const;

/** A fault: its cause goes to the log under this id, never to the wire. */
export function internalError(requestId: string): Status {
  return make(codes.INTERNAL, 'Internal error', [info('INTERNAL', { request_id: requestId })]);
}

/** The same for grpc-js, details in the trailer where there are any. */
export function serviceError(status: Status): ServiceError {
  const metadata = new Metadata();
  if (status.details.length > 0) metadata.set('grpc-status-details-bin', Buffer.from(Status.encode(status).finish()));
  return Object.assign(new Error(status.message), { code: status.code, details: status.message, metadata });
}

/** Details that would not fit are left out from the end: the first says what to do, the others say more. */
function make(code: number, message: string, details: Any[]): Status {
  const status = { code, message: shortened(message, MESSAGE_CHARACTERS_MAX), details };
  while (status.details.length > 0 && Status.encode(status).finish().length > DETAILS_BYTES_MAX)
    status.details = status.details.slice(0, -1);
  return status;
}

function pack(type: string, value: Uint8Array): Any {
  return { typeUrl: `type.googleapis.com/${type}`, value: Buffer.from(value) };
}

/** As many violations as are sure to fit. */
function badRequest(violations: readonly FieldViolation[]): Any {
  const fieldViolations = violations
    .slice(0, VIOLATIONS_MAX)
    .map(({ field, description }) => ({ field, description: shortened(description, DESCRIPTION_CHARACTERS_MAX) }));
  return pack('google.rpc.BadRequest', BadRequest.encode(BadRequest.fromPartial({ fieldViolations })).finish());
}

function info(reason: string, metadata: Record<string, string>): Any {
  return pack('google.rpc.ErrorInfo', ErrorInfo.encode({ reason, domain: DOMAIN, metadata }).finish());
}

function retry(time: Millis | null, now: Millis): Any[] {
  if (time === null) return [];
  return [pack('google.rpc.RetryInfo', RetryInfo.encode({ retryDelay: durationOf(Math.max(0, time - now)) }).finish())];
}

function resource(type: string, name: string): Any {
  const described = ResourceInfo.fromPartial({ resourceType: `keylease.v1/${type}`, resourceName: name });
  return pack('google.rpc.ResourceInfo', ResourceInfo.encode(described).finish());
}

function countsMetadata(counts: RefusalCounts): Record<string, string> {
  const { keys, cooldown, unhealthy, draining, excluded, noRoom } = counts;
  const named = { keys, cooldown, unhealthy, draining, excluded, no_room: noRoom };
  return Object.fromEntries(Object.entries(named).map(([name, count]) => [name, String(count)]));
}

function countsText({ cooldown, unhealthy, draining, excluded, noRoom }: RefusalCounts): string {
  const named = { 'without room': noRoom, 'in cooldown': cooldown, unhealthy, draining, excluded };
  const told = Object.entries(named).filter(([, count]) => count > 0);
  return told.map(([name, count]) => `${count} ${name}`).join(', ');
}

function fieldText({ field, description }: { field: string; description: string }): string {
  return `${field}: ${description}`;
}

function listed(texts: readonly string[]): string {
  const shown = texts.slice(0, 5).join('; ');
  return texts.length > 5 ? `${shown}; and ${texts.length - 5} more` : shown;
}

/** Well-formed also where the cut would split a character, for grpc-js cannot send half of one. */
export function shortened(text: string, charactersMax: number): string {
  return (text.length > charactersMax ? `${text.slice(0, charactersMax - 1)}…` : text).toWellFormed();
}
