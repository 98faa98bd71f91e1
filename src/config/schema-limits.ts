import type * as z from 'zod';
import { duration, mapping, wholeNumber } from './fields.ts';

/** What callers may take of the server: the section `limits`. Every bound is there by default, none can be turned off. */
export const limits = mapping({
  message_bytes: wholeNumber(1_024, 4_194_304)
    .prefault(65_536)
    .describe('A message that is received, unpacked, 1024 to 4194304. Default 65536.'),
  metadata_bytes: wholeNumber(256, 65_536)
    .prefault(8_192)
    .describe('Names and values of the metadata of a call together, 256 to 65536. Default 8192.'),
  metadata_names: wholeNumber(4, 112).prefault(64).describe('Names in the metadata of a call, 4 to 112. Default 64.'),
  message_timeout: duration('100ms', '10m')
    .prefault('10s')
    .describe('How long the message of a unary call may take to arrive, also where the caller set no deadline, 100ms to 10m. Default 10s.'),
  reported_headers: wholeNumber(1, 4_096).prefault(256).describe('Headers of one report, 1 to 4096. Default 256.'),
  reported_header_bytes: wholeNumber(256, 1_048_576)
    .prefault(16_384)
    .describe('Names and values of the headers of one report together, 256 to 1048576. Default 16384.'),
  error_body_characters: wholeNumber(0, 1_048_576)
    .prefault(16_384)
    .describe('What is read of the error body of one report, 0 to 1048576; the rest is cut off. Default 16384.'),
  calls: wholeNumber(1, 1_000_000)
    .prefault(50_000)
    .describe('Calls and streams under way on all connections together, 1 to 1000000. Default 50000.'),
  calls_per_connection: wholeNumber(1, 100_000)
    .prefault(1_000)
    .describe('Calls and streams under way on one connection, 1 to 100000; clients send more one after the other. Default 1000.'),
  unanswered_per_stream: wholeNumber(1, 65_536)
    .prefault(4_096)
    .describe('Calls of one lease stream that are not answered, without those in line, 1 to 65536; then it is not read. Default 4096.'),
  connections: wholeNumber(1, 1_000_000).prefault(10_000).describe('Connections on all addresses together, 1 to 1000000. Default 10000.'),
  connections_per_peer: wholeNumber(1, 1_000_000)
    .prefault(2_000)
    .describe('Connections from one IP address, 1 to 1000000; those on unix sockets are not counted. Default 2000.'),
  handshake_timeout: duration('100ms', '2m')
    .prefault('10s')
    .describe('How long a new connection may say nothing, 100ms to 2m. Default 10s.'),
  connection_idle: duration('1s', '24h')
    .prefault('10m')
    .describe('After so long without a call a connection is closed, 1s to 24h. Default 10m.'),
  connection_age: duration('1s', '7d')
    .prefault('30m')
    .describe('After so long, a tenth more or less, clients are asked to connect anew, 1s to 7d: they spread over replicas. Default 30m.'),
  connection_age_grace: duration('1s', '24h')
    .prefault('1m')
    .describe('How long calls may still take on a connection that is too old, 1s to 24h. Default 1m.'),
  keepalive_time: duration('1s', '24h')
    .prefault('1m')
    .describe('How often a connection is asked whether the other side is still there, 1s to 24h. Default 1m.'),
  keepalive_timeout: duration('1s', '10m').prefault('20s').describe('How long the answer to that may take, 1s to 10m. Default 20s.'),
  connection_memory: wholeNumber(1, 1_024)
    .prefault(32)
    .describe('What HTTP/2 may keep for one connection, in MiB, 1 to 1024; then new calls on it are refused. Default 32.'),
}).transform((written) => ({
  messageBytes: written.message_bytes,
  metadataBytes: written.metadata_bytes,
  metadataNames: written.metadata_names,
  messageTimeoutMs: written.message_timeout,
  reportedHeaders: written.reported_headers,
  reportedHeaderBytes: written.reported_header_bytes,
  errorBodyCharacters: written.error_body_characters,
  calls: written.calls,
  callsPerConnection: written.calls_per_connection,
  unansweredPerStream: written.unanswered_per_stream,
  connections: written.connections,
  connectionsPerPeer: written.connections_per_peer,
  handshakeTimeoutMs: written.handshake_timeout,
  connectionIdleMs: written.connection_idle,
  connectionAgeMs: written.connection_age,
  connectionAgeGraceMs: written.connection_age_grace,
  keepaliveTimeMs: written.keepalive_time,
  keepaliveTimeoutMs: written.keepalive_timeout,
  connectionMemoryMiB: written.connection_memory,
}));

/** The section in the program's words. */
export type Limits = Readonly<z.output<typeof limits>>;

/** What holds where nothing is written. */
export const defaultLimits: Limits = limits.parse({});
