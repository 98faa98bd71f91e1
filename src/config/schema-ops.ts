import * as z from 'zod';
import { duration, expected, flag, mapping, oneOf, tcpAddress } from './fields.ts';
import { secret } from './schema-secret.ts';

/** The sections of the configuration that are about what operators see. */

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error'] as const;
const LOGGED_CALLS = ['none', 'failed', 'all'] as const;

export const opsSection = z
  .union(
    [
      mapping({
        listen: tcpAddress().prefault('127.0.0.1:9464').describe('host:port. Default 127.0.0.1:9464.'),
        token: secret()
          .optional()
          .describe(
            'What /metrics and the dashboard ask for, as a bearer token or as the password of any user: at least 16 characters, as text, { env: NAME } or { file: PATH }. Left out: nobody is asked, which only loopback addresses allow.',
          ),
      }),
      z.literal(false),
    ],
    { error: expected('{ listen: host:port } or false') },
  )
  .prefault({})
  .describe('The operations page: metrics, health and dashboard; false turns it off.');

export const logSection = mapping({
  level: oneOf('log level', LOG_LEVELS).prefault('info').describe('The least that is logged. Default info.'),
  calls: oneOf('kind of logged calls', LOGGED_CALLS)
    .prefault('failed')
    .describe(
      'Which calls have a line of their own: failed (at most 20 a second, with the number of those left out), all (which slows a busy server) or none. Default failed.',
    ),
})
  .prefault({})
  .describe('What is logged.');

const endpoint = z
  .string()
  .refine(isEndpoint, 'expected http://host:port or https://host:port, without user, query or fragment')
  .describe('The collector, as in http://localhost:4318; /v1/metrics and /v1/traces are added.');

const HEADER_NAME = /^[A-Za-z0-9-]{1,64}$/;

const otlp = mapping({
  endpoint,
  headers: z
    .record(z.string().regex(HEADER_NAME, { error: 'expected the name of a header' }), secret())
    .optional()
    .describe('More headers of each request, such as authorization: as text, { env: NAME } or { file: PATH }.'),
  interval: duration('1s', '10m').prefault('60s').describe('How often metrics are sent, 1s to 10m. Default 60s.'),
  metrics: flag().prefault(true).describe('Whether metrics are sent. Default true.'),
  traces: flag().prefault(true).describe('Whether a span is sent for each call whose caller samples it, or does not trace. Default true.'),
});

export const telemetrySection = mapping({
  otlp: otlp.optional().describe('Where metrics and traces are sent by OTLP over HTTP. Left out: nowhere.'),
})
  .prefault({})
  .describe('What is sent to a collector of OpenTelemetry.');

function isEndpoint(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password, search, hash } = new URL(text);
  return /^https?:$/.test(protocol) && [username, password, search, hash].every((part) => part === '');
}
