import { type CallOptions, ClientError, type ClientMiddlewareCall } from 'nice-grpc';
import type { Any } from '../generated/google/protobuf/any.ts';
import { BadRequest, ErrorInfo, QuotaFailure, ResourceInfo, RetryInfo } from '../generated/google/rpc/error_details.ts';
import { Status } from '../generated/google/rpc/status.ts';
import { durationMs } from './words.ts';

/** What the details of a status say that a person or a program can act on. */
export interface RefusalDetails {
  /** The reason of its ErrorInfo; empty: none. */
  readonly reason: string;
  readonly metadata: Readonly<Record<string, string>>;
  /** Null: no moment is known. */
  readonly retryAfterMs: number | null;
  readonly fields: readonly { readonly field: string; readonly description: string }[];
  readonly resource: { readonly type: string; readonly name: string } | null;
  readonly quotas: readonly string[];
}

/** The server answered with a status other than OK. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly status: number;
  readonly details: RefusalDetails;

  constructor(status: number, message: string, details: RefusalDetails) {
    super(message);
    this.status = status;
    this.details = details;
  }
}

/** Client middleware that turns a status other than OK, with its google.rpc details, into a Refusal. */
export async function* refusals<Request, Response>(call: ClientMiddlewareCall<Request, Response>, options: CallOptions) {
  let encoded: Uint8Array | undefined;
  try {
    return yield* call.next(call.request, {
      ...options,
      onTrailer(trailer) {
        encoded = trailer.get('grpc-status-details-bin');
        options.onTrailer?.(trailer);
      },
    });
  } catch (error) {
    if (!(error instanceof ClientError)) throw error;
    throw new Refusal(error.code, error.details, readDetails(encoded === undefined ? [] : Status.decode(encoded).details));
  }
}

function readDetails(details: readonly Any[]): RefusalDetails {
  const find = <T>(name: string, message: { decode(bytes: Uint8Array): T }) => {
    const found = details.find((any) => any.typeUrl === `type.googleapis.com/google.rpc.${name}`);
    return found && message.decode(found.value);
  };
  const info = find('ErrorInfo', ErrorInfo);
  const delay = find('RetryInfo', RetryInfo)?.retryDelay;
  const resource = find('ResourceInfo', ResourceInfo);
  return {
    reason: info?.reason ?? '',
    metadata: info?.metadata ?? {},
    retryAfterMs: delay ? durationMs(delay) : null,
    fields: find('BadRequest', BadRequest)?.fieldViolations ?? [],
    resource: resource ? { type: resource.resourceType, name: resource.resourceName } : null,
    quotas: find('QuotaFailure', QuotaFailure)?.violations.map((violation) => violation.description) ?? [],
  };
}
