import type { Command } from 'commander';
import type { AcquireKeyRequest } from '../generated/keylease/v1/key_lease_service.ts';
import { countOption, durationOption, integerOption, listOption } from './options.ts';
import { toDuration } from './words.ts';

/** What `lease` and `explain` ask for; times in milliseconds. */
export interface AcquireOptions {
  readonly pool?: string;
  readonly model?: string;
  readonly inputTokens?: number;
  readonly outputTokens?: number;
  readonly requests?: number;
  readonly ttl?: number;
  readonly maxWait?: number;
  readonly affinity?: string;
  readonly priority?: number;
  readonly exclude?: readonly string[];
  readonly requestId?: string;
}

/** Adds the options of an acquire request to a verb. */
export function withAcquireOptions(command: Command): Command {
  return command
    .option('--pool <pool>', 'the pool to lease from; left out: the only one, or the one called default')
    .option('--model <model>', 'the model about to be called')
    .option('--input-tokens <count>', 'tokens of the prompt; left out: what such leases used lately', countOption)
    .option('--output-tokens <count>', 'tokens of the answer; left out: what such leases used lately', countOption)
    .option('--requests <count>', 'upstream requests that the lease covers', countOption)
    .option('--ttl <duration>', "how long the lease lives; left out: the pool's default", durationOption)
    .option('--max-wait <duration>', 'wait in line for room; left out: answer at once', durationOption)
    .option('--affinity <text>', 'leases with the same text go to the same key while it has room')
    .option('--priority <number>', 'who is served first among those waiting, higher first', integerOption)
    .option('--exclude <key>', 'a key to pass over; may be repeated', listOption)
    .option('--request-id <id>', 'repeating the same id gets the same lease');
}

/** The request that the options ask for. */
export function acquireRequest(options: AcquireOptions): AcquireKeyRequest {
  return {
    pool: options.pool ?? '',
    model: options.model ?? '',
    estimatedInputTokens: options.inputTokens,
    estimatedOutputTokens: options.outputTokens,
    requests: options.requests ?? 0,
    ttl: options.ttl === undefined ? undefined : toDuration(options.ttl),
    maxWait: options.maxWait === undefined ? undefined : toDuration(options.maxWait),
    affinity: options.affinity ?? '',
    priority: options.priority ?? 0,
    excludeKeyIds: [...(options.exclude ?? [])],
    requestId: options.requestId ?? '',
  };
}
