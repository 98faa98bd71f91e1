import { ClientError, Status as GrpcStatus } from 'nice-grpc';
import type { Any } from '../generated/google/protobuf/any.ts';
import { ErrorInfo, RetryInfo } from '../generated/google/rpc/error_details.ts';
import { Status } from '../generated/google/rpc/status.ts';
import { KeyLeaseRefused, KeyLeaseUnavailable } from './errors.ts';
import { fromDuration } from './time.ts';

/** What the server meant by a status other than OK, with its details as they came. */
function refusalOf(code: number, message: string, details: readonly Any[]): KeyLeaseRefused {
  const find = <T>(name: string, type: { decode(bytes: Uint8Array): T }) => {
    const found = details.find(({ typeUrl }) => typeUrl === `type.googleapis.com/google.rpc.${name}`);
    return found && type.decode(found.value);
  };
  const info = find('ErrorInfo', ErrorInfo);
  const delay = find('RetryInfo', RetryInfo)?.retryDelay;
  const retryAfterMs = delay === undefined ? null : fromDuration(delay);
  if (code === GrpcStatus.UNAVAILABLE) return new KeyLeaseUnavailable(message, retryAfterMs);
  return new KeyLeaseRefused(message, info?.reason || (GrpcStatus[code] ?? String(code)), retryAfterMs, info?.metadata ?? {});
}

/** What a failed call meant, from the error and the details in its trailer. */
export function refusalOfError(error: unknown, encoded: Uint8Array | undefined): unknown {
  if (!(error instanceof ClientError)) return error;
  return refusalOf(error.code, error.details, encoded === undefined ? [] : Status.decode(encoded).details);
}
