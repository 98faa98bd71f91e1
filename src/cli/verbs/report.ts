import { Command } from 'commander';
import {
  ReportHeadersResponse,
  RetryAction,
  retryActionToJSON,
  verdictScopeToJSON,
  verdictToJSON,
} from '../../generated/keylease/v1/key_lease_service.ts';
import type { Io } from '../io.ts';
import { keySentence } from '../key-view.ts';
import { leaseStateWord } from '../lease-view.ts';
import { countOption, listOption, statusOption } from '../options.ts';
import { type ReportOptions, reportRequest } from '../report-request.ts';
import { withSession } from '../session.ts';
import { fields } from '../table.ts';
import { durationMs, relative, span, word } from '../words.ts';

/** `keylease report`: tells what the provider answered. */
export function reportVerb(io: Io): Command {
  return new Command('report')
    .description('report what the provider answered to the call of a lease')
    .argument('<lease>', 'the id of the lease')
    .option('--status <code>', 'the HTTP status, 0 where no response arrived; left out: from the headers file', statusOption)
    .option('--header <line>', "a response header, 'name: value'; may be repeated", listOption)
    .option('--headers-file <file>', 'response headers as curl -D writes them; - reads standard input')
    .option('--input-tokens <count>', 'tokens of the prompt that were really used', countOption)
    .option('--output-tokens <count>', 'tokens of the answer that were really used', countOption)
    .option('--error-body <file>', 'the body of an error response; - reads standard input')
    .option('--in-progress', 'the call still runs: learn now, settle at the report that follows')
    .action(async (leaseId: string, options: ReportOptions, command: Command) => {
      const request = await reportRequest(leaseId, options, io);
      await withSession(io, command, async ({ leases, bounded, print }) => {
        const answer = await leases.reportHeaders(request, bounded());
        print(ReportHeadersResponse.toJSON(answer), () => describe(answer, io.now()));
      });
    });
}

function describe(answer: ReportHeadersResponse, now: number): string {
  const scope = word('VERDICT_SCOPE_', verdictScopeToJSON(answer.scope));
  const until = answer.until ? `, ends ${relative(answer.until, now)}` : '';
  return fields([
    ['verdict', `${word('VERDICT_', verdictToJSON(answer.verdict))}${scope && `, about the ${scope}`}${until}`],
    ['retry', retryWords(answer)],
    ['key', answer.key ? keySentence(answer.key, now) : 'no longer in the configuration'],
    ['lease', answer.lease ? leaseStateWord(answer.lease) : ''],
    ...answer.ignoredHeaders.map(({ name, reason }) => ['ignored', `${name}: ${reason}`] as const),
  ]);
}

function retryWords({ retry }: ReportHeadersResponse): string {
  if (retry === undefined) return '';
  const delay = retry.delay ? ` in ${span(durationMs(retry.delay))}` : '';
  if (retry.action === RetryAction.RETRY_ACTION_OTHER_KEY) return `with another key${delay || ' at once'}`;
  if (retry.action === RetryAction.RETRY_ACTION_AFTER_DELAY) return `again${delay}`;
  return word('RETRY_ACTION_', retryActionToJSON(retry.action));
}
