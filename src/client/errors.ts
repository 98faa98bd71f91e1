import { ClientError, Status as GrpcStatus } from 'nice-grpc';
import type { Any } from '../generated/google/protobuf/any.ts';
import { ErrorInfo, RetryInfo } from '../generated/google/rpc/error_details.ts';
import { Status } from '../generated/google/rpc/status.ts';
import { fromDuration } from './time.ts';

/** The server answered and granted no lease. Nothing was sent to the provider. */
export class KeyLeaseRefused extends Error {
  override readonly name: string = 'KeyLeaseRefused';
  /** Such as `ALL_KEYS_EXHAUSTED` or `NO_HEALTHY_KEYS`; else the name of the gRPC status. */
  readonly reason: string;
  /** When to ask again; null: no moment is known. */
  readonly retryAfterMs: number | null;
  /** What belongs to the reason, such as how many keys cool down. */
  readonly metadata: Readonly<Record<string, string>>;

  constructor(message: string, reason: string, retryAfterMs: number | null = null, metadata: Readonly<Record<string, string>> = {}) {
    super(message);
    this.reason = reason;
    this.retryAfterMs = retryAfterMs;
    this.metadata = metadata;
  }
}

/** No server answered, so no lease was granted. Nothing was sent to the provider. */
export class KeyLeaseUnavailable extends KeyLeaseRefused {
  override readonly name = 'KeyLeaseUnavailable';

  constructor(message: string, retryAfterMs: number | null = null) {
    super(message, 'UNAVAILABLE', retryAfterMs);
  }
}

/** The request goes to a host for which the pool's keys are not meant. Nothing was sent. */
export class HostNotAllowed extends Error {
  override readonly name = 'HostNotAllowed';

  constructor(url: URL, allowed: readonly string[]) {
    const hosts = allowed.length === 0 ? 'no host, for the pool names none' : allowed.join(', ');
    super(`a leased key is meant for ${hosts}, not for ${url.origin}; if it is, name the host in the option hosts`);
  }
}

/** What the server meant by a status other than OK, with its details as they came. */
export function refusalOf(code: number, message: string, details: readonly Any[]): KeyLeaseRefused {
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
