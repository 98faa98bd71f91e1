import { ClientError, Status } from 'nice-grpc';
import { RichClientError } from 'nice-grpc-error-details';

/** A status other than OK, its details read by a decoder that is not ours. */
export interface Refused {
  readonly status: string;
  readonly message: string;
  readonly errorInfo: Detail | undefined;
  readonly retryInfo: Detail | undefined;
  readonly badRequest: Detail | undefined;
  readonly resourceInfo: Detail | undefined;
  readonly quotaFailure: Detail | undefined;
}

/** A detail in the decoder's own words. */
// biome-ignore lint/suspicious/noExplicitAny: what a test expects of it says what it is.
type Detail = any;

/** How a call was refused; throws where it was not. */
export async function refusalOf(call: Promise<unknown>): Promise<Refused> {
  const error = await call.then(
    () => {
      throw new Error('the call was answered');
    },
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof ClientError)) throw error;
  const details: readonly { $type: string }[] = error instanceof RichClientError ? error.extra : [];
  const detail = (name: string): Detail => details.find(({ $type }) => $type === `google.rpc.${name}`);
  return {
    status: Status[error.code],
    message: error.details,
    errorInfo: detail('ErrorInfo'),
    retryInfo: detail('RetryInfo'),
    badRequest: detail('BadRequest'),
    resourceInfo: detail('ResourceInfo'),
    quotaFailure: detail('QuotaFailure'),
  };
}

/** A RetryInfo as milliseconds; null: there is none. */
export function retryMs({ retryInfo }: Refused): number | null {
  if (retryInfo === undefined) return null;
  const { seconds, nanos } = retryInfo.retryDelay;
  return Number(seconds) * 1_000 + nanos / 1_000_000;
}

/** The fields that a BadRequest names. */
export function fieldsOf({ badRequest }: Refused): string[] {
  return (badRequest?.fieldViolations ?? []).map(({ field }: { field: string }) => field);
}
