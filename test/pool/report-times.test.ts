import { describe, expect, test } from 'vitest';
import { timesOf } from '../../src/pool/report.ts';
import { SECOND, START } from '../support/clock.ts';
import { makeLease } from '../support/make.ts';

describe('the times of a call, on the clock of the store', () => {
  const GRANT = START;
  const NOW = START + 20 * SECOND;

  test.each<{ rule: string; request: number | null; response: number | null; observed: number; sent: number; answered: number }>([
    { rule: 'are taken as told', request: 2, response: 5, observed: 2, sent: 2, answered: 5 },
    {
      rule: 'are the grant, a second after it and now, where none is told',
      request: null,
      response: null,
      observed: 0,
      sent: 1,
      answered: 20,
    },
    { rule: 'end now, where only the request is told', request: 2, response: null, observed: 2, sent: 2, answered: 20 },
    { rule: 'begin with the grant, where only the response is told', request: null, response: 5, observed: 0, sent: 1, answered: 5 },
    { rule: 'move back where the clock of the caller is ahead', request: 3_602, response: 3_605, observed: 17, sent: 17, answered: 20 },
    { rule: 'move ahead where the clock of the caller is behind', request: -3_600, response: -3_597, observed: 0, sent: 0, answered: 3 },
    { rule: 'are never after now', request: 2, response: 40, observed: 0, sent: 0, answered: 20 },
    { rule: 'are never before the grant', request: -5, response: -90, observed: 0, sent: 0, answered: 0 },
    { rule: 'are not believed of a request that was sent after its response', request: 9, response: 5, observed: 0, sent: 1, answered: 5 },
    { rule: 'are not believed of a request that is still to be sent', request: 3_600, response: null, observed: 0, sent: 1, answered: 20 },
  ])('$rule', ({ request, response, observed, sent, answered }) => {
    const at = (seconds: number | null) => (seconds === null ? null : START + seconds * SECOND);
    const times = timesOf({ requestTime: at(request), responseTime: at(response) }, makeLease({ acquireTime: GRANT }), NOW);
    expect(times).toMatchObject({ observedRequestTime: at(observed), sentTime: at(sent), responseTime: at(answered) });
  });
});
