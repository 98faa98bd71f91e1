import { Command } from 'commander';
import type { UnhealthyReason } from '../../generated/keylease/v1/key.ts';
import { type MarkUnhealthyRequest, MarkUnhealthyResponse } from '../../generated/keylease/v1/key_lease_service.ts';
import { usageMistake } from '../failure.ts';
import type { Io } from '../io.ts';
import { keySentence } from '../key-view.ts';
import { durationOption, reasonNames, reasonOption } from '../options.ts';
import { withSession } from '../session.ts';
import { toDuration } from '../words.ts';

interface Options {
  readonly lease?: string;
  readonly pool?: string;
  readonly reason: UnhealthyReason;
  readonly cooldown?: number;
  readonly message?: string;
}

/** `keylease mark-unhealthy`: takes a key out, by its name or by a lease on it. */
export function markUnhealthyVerb(io: Io): Command {
  return new Command('mark-unhealthy')
    .description('take a key out, with a reason and for a time')
    .argument('[key]', 'the key; or name a lease on it with --lease')
    .option('--lease <lease>', 'the id of a lease on the key')
    .option('--pool <pool>', 'the pool of the key; left out: the only one, or the one called default')
    .requiredOption('--reason <reason>', `why: ${reasonNames.join(', ')}`, reasonOption)
    .option('--cooldown <duration>', "for how long; left out: the reason's default", durationOption)
    .option('--message <text>', 'the same for people')
    .action(async (keyId: string | undefined, options: Options, command: Command) => {
      const request = markRequest(keyId, options);
      await withSession(io, command, async ({ leases, bounded, print }) => {
        const answer = await leases.markUnhealthy(request, bounded());
        print(MarkUnhealthyResponse.toJSON(answer), () => describe(answer, io.now()));
      });
    });
}

function markRequest(keyId: string | undefined, options: Options): MarkUnhealthyRequest {
  const { lease: leaseId, pool, reason, cooldown, message } = options;
  if ((keyId === undefined) === (leaseId === undefined)) throw usageMistake('name a key, or a lease on it with --lease');
  if (leaseId !== undefined && pool !== undefined) throw usageMistake('--pool goes with a key: a lease knows its pool');
  return {
    target: keyId === undefined ? { $case: 'leaseId', value: leaseId ?? '' } : { $case: 'keyId', value: keyId },
    pool: pool ?? '',
    reason,
    message: message ?? '',
    cooldown: cooldown === undefined ? undefined : toDuration(cooldown),
  };
}

function describe({ key, applied, note }: MarkUnhealthyResponse, now: number): string {
  const lines = [key ? keySentence(key, now) : 'the key has left the configuration'];
  return applied ? lines.join('\n') : [...lines, `not applied: ${note}`].join('\n');
}
