import { expect, test } from 'vitest';
import { readTraceparent } from '../../../src/ops/telemetry/traceparent.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const SPAN = 'b7ad6b7169203331';

test.each([
  ['one that is sampled', `00-${TRACE}-${SPAN}-01`, true],
  ['one that is not', `00-${TRACE}-${SPAN}-00`, false],
  ['one with more flags', `00-${TRACE}-${SPAN}-03`, true],
  ['one of a later version, with more at its end', `01-${TRACE}-${SPAN}-01-more`, true],
])('%s is read', (_, header, isSampled) => {
  expect(readTraceparent(header)).toEqual({ traceId: TRACE, spanId: SPAN, isSampled });
});

test.each([
  ['none', undefined],
  ['nothing', ''],
  ['capitals', `00-${TRACE.toUpperCase()}-${SPAN}-01`],
  ['no trace', `00-${'0'.repeat(32)}-${SPAN}-01`],
  ['no span', `00-${TRACE}-${'0'.repeat(16)}-01`],
  ['the version that is forbidden', `ff-${TRACE}-${SPAN}-01`],
  ['more than its version has', `00-${TRACE}-${SPAN}-01-more`],
  ['a part too short', `00-${TRACE.slice(1)}-${SPAN}-01`],
  ['white space', ` 00-${TRACE}-${SPAN}-01`],
  ['far too much', `01-${TRACE}-${SPAN}-01-${'x'.repeat(200)}`],
])('%s is as none', (_, header) => {
  expect(readTraceparent(header)).toBeUndefined();
});
