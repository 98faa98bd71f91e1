import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { Provider } from '../../src/pool/upstream.ts';
import { providerByName } from '../../src/provider/index.ts';
import type { AcquireAnswer, AcquireCall } from '../../src/service/leases.ts';
import { answered, refused } from '../../src/service/problem.ts';
import type { ReportCall } from '../../src/service/read-report.ts';
import { Recorder, type Traced } from '../../src/service/record.ts';
import { openTraceFile } from '../../src/service/trace-file.ts';
import { START } from '../support/clock.ts';
import { makeLease, makePool } from '../support/make.ts';

const anthropic = providerByName('anthropic') as Provider;
const pool = makePool({ provider: anthropic, modelClasses: [{ id: 'sonnet', models: ['claude-sonnet-*'] }] });

const call: AcquireCall = {
  ...{ pool: 'p', model: 'claude-sonnet-4', maxWaitMs: null, priority: 0, requests: 1, inputTokens: 10, outputTokens: 5 },
  ...{ ttlMs: null, affinity: 'affinity-secret', excluded: new Set<string>(), requestId: 'request-secret', contentHash: 'hash-secret' },
};

const credential = { secret: 'key-secret', headerName: 'x-api-key', headerValue: 'key-secret', headers: {}, baseUrl: '' };

function granted(id: string): AcquireAnswer {
  return { lease: makeLease({ id, keyId: 'a', group: 'account:org-secret' }), end: null, credential, score: 1, waitedMs: 0 };
}

const report: ReportCall = {
  ...{ leaseId: 'lease-secret', status: 200, errorBody: 'body-secret', requestTime: START, responseTime: START + 5, inProgress: false },
  headers: new Map([
    ['anthropic-ratelimit-requests-limit', '50'],
    ['anthropic-ratelimit-requests-remaining', 'sk-secret'],
    ['anthropic-ratelimit-requests-reset', '2025-11-24T16:00:00Z'],
    ['anthropic-organization-id', 'org-secret'],
    ['x-api-key', 'sk-secret'],
    ['retry-after', '3'],
    ['date', 'Mon, 24 Nov 2025 16:00:00 GMT'],
  ]),
  usage: { inputTokens: 9, outputTokens: 4, cacheReadInputTokens: 0, cacheCreationInputTokens: 0 },
};

function record(write: (recorder: Recorder) => void): { text: string; lines: readonly Traced[] } {
  const lines: string[] = [];
  write(new Recorder({ write: (line) => void lines.push(line) }, new Uint8Array(32)));
  return { text: lines.join(''), lines: lines.map((line) => JSON.parse(line)) };
}

test('a trace tells what was asked and answered, and nothing that is secret', () => {
  const { text, lines } = record((recorder) => {
    recorder.acquired('holder-secret', call, pool, 'sonnet', START, answered(granted('lease-secret'), START + 7));
    recorder.acquired('holder-secret', { ...call, model: 'model-secret' }, pool, 'model-secret', START, answered(granted('l2'), START));
    recorder.reported(report, anthropic, true, START + 9);
  });
  expect(text).not.toMatch(/secret/);
  expect(lines[0]).toMatchObject({ kind: 'acquire', time: START, pool: 'p', modelClass: 'sonnet', waitedMs: 7, lease: 1, key: 'a' });
  expect(lines[2]).toEqual({
    ...{ kind: 'report', time: START + 9, lease: 1, status: 200, usage: report.usage, inProgress: false },
    ...{ requestTime: START, responseTime: START + 5 },
    headers: {
      'anthropic-ratelimit-requests-limit': '50',
      'anthropic-ratelimit-requests-reset': '2025-11-24T16:00:00Z',
      'retry-after': '3',
      date: 'Mon, 24 Nov 2025 16:00:00 GMT',
    },
  });
});

test('holders and limit groups are told apart without being named', () => {
  const { lines } = record((recorder) => {
    for (const holder of ['one', 'two', 'one']) recorder.acquired(holder, call, pool, 'sonnet', START, answered(granted(holder), START));
  });
  const holders = lines.map((line) => line.kind === 'acquire' && line.holder);
  expect(holders[0]).toBe(holders[2]);
  expect(holders[0]).not.toBe(holders[1]);
});

test('a refusal has no lease, and a report on a lease from before the recording is left out', () => {
  const { lines } = record((recorder) => {
    recorder.acquired('h', call, pool, '', START, refused({ kind: 'unavailable', why: 'draining' }, START + 30));
    recorder.reported(report, anthropic, true, START);
  });
  expect(lines).toMatchObject([{ kind: 'acquire', lease: null, key: null, group: null, waitedMs: 30 }]);
});

test('a trace file is appended to and is its owner’s alone', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'keylease-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'trace.jsonl');
  for (const line of ['one\n', 'two\n']) {
    const file = openTraceFile(path, () => {});
    file.write(line);
    await file.close();
  }
  expect(readFileSync(path, 'utf8')).toBe('one\ntwo\n');
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

test('a file that cannot be written ends the recording, not the service', async () => {
  const faults: Error[] = [];
  const file = openTraceFile(join(tmpdir(), 'keylease-there-is-no-such-folder', 'trace.jsonl'), (fault) => faults.push(fault));
  await expect.poll(() => faults.length).toBe(1);
  file.write('one\n');
  await file.close();
  expect(file.dropped).toBe(1);
});
