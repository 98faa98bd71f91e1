import { Status } from 'nice-grpc';
import { RetryAction, type RetryAdvice } from '../../generated/keylease/v1/key_lease_service.ts';
import { Refusal } from '../refusal.ts';
import type { Services } from '../session.ts';
import { durationMs, toDuration, toTimestamp } from '../words.ts';
import type { Ask, Phase } from './clients.ts';
import type { Question } from './load.ts';
import { callProvider } from './provider-call.ts';

const WORTH_ASKING_AGAIN: ReadonlySet<number> = new Set([Status.RESOURCE_EXHAUSTED, Status.FAILED_PRECONDITION, Status.UNAVAILABLE]);
const WAIT_MAX_MS = 5_000;
/** Where a refusal does not say when to ask again. */
const BACK_OFF_MS = 500;

/** Asks with a leased key each time: lease, call the provider, report, and do what the answer advises. */
export function askLeased(url: string, { leases }: Pick<Services, 'leases'>): Ask {
  return async (question, phase) => {
    while (!phase.over()) {
      const granted = await acquire(leases, question, phase);
      if (granted === null) continue;
      const { lease, credential } = granted;
      const answer = await callProvider(url, { ...credential!.headers, [credential!.headerName]: credential!.headerValue }, question);
      const { retry } = await leases.reportHeaders({
        leaseId: lease!.leaseId,
        statusCode: answer.status,
        headers: { ...answer.headers },
        errorBody: answer.errorBody,
        requestTime: toTimestamp(answer.requestTime),
        responseTime: toTimestamp(answer.responseTime),
        ...(answer.usage ? { usage: answer.usage } : {}),
      });
      if (answer.status === 200) return;
      await phase.pause(adviceMs(retry));
    }
  };
}

async function acquire(leases: Services['leases'], question: Question, phase: Phase) {
  const maxWait = toDuration(Math.min(WAIT_MAX_MS, Math.ceil(phase.left())));
  try {
    return await leases.acquireKey({ model: 'claude-sonnet-5', estimatedInputTokens: question.inputTokens, maxWait });
  } catch (error) {
    if (!(error instanceof Refusal && WORTH_ASKING_AGAIN.has(error.status))) throw error;
    await phase.pause(error.details.retryAfterMs ?? BACK_OFF_MS);
    return null;
  }
}

function adviceMs(retry: RetryAdvice | undefined): number {
  if (retry?.delay) return durationMs(retry.delay);
  return retry?.action === RetryAction.RETRY_ACTION_OTHER_KEY ? 0 : BACK_OFF_MS;
}
