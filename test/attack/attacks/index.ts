import type { Attack } from '../attack.ts';
import { fuzzedFrames, http1Garbage, truncatedFrames } from './bytes.ts';
import { fuzzedMessages, gzipBomb, largeMessages, largeMetadata, wrongHeaders } from './calls.ts';
import {
  continuationFlood,
  deafPingFlood,
  emptyFrames,
  hpackBomb,
  pingFlood,
  rapidReset,
  settingsFlood,
  windowOverflow,
} from './floods.ts';
import { halfOpenBodies, idleConnections, idleStreams, zeroWindow } from './held.ts';
import { fuzzedReports } from './reports.ts';

export const attacks: readonly Attack[] = [
  rapidReset,
  continuationFlood,
  pingFlood,
  deafPingFlood,
  settingsFlood,
  windowOverflow,
  emptyFrames,
  hpackBomb,
  halfOpenBodies,
  zeroWindow,
  gzipBomb,
  largeMessages,
  largeMetadata,
  wrongHeaders,
  truncatedFrames,
  fuzzedFrames,
  fuzzedMessages,
  http1Garbage,
  fuzzedReports,
  idleStreams,
  idleConnections,
];
