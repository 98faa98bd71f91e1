/** A grpc-js server that answers every AcquireKey with one response, made before: what is left of a call when nothing is decided. */
import { Server, ServerCredentials } from '@grpc/grpc-js';
import { AcquireKeyResponse, KeyLeaseServiceService } from '../../src/generated/keylease/v1/key_lease_service.ts';
import { answerLines } from './answer-lines.ts';

const response = AcquireKeyResponse.decode(Buffer.from(process.argv[2] ?? '', 'base64'));

const server = new Server({ 'grpc.enable_channelz': 0 });
server.addService(
  { acquireKey: KeyLeaseServiceService.acquireKey },
  { acquireKey: (_call: unknown, callback: (error: null, response: AcquireKeyResponse) => void) => callback(null, response) },
);
server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) => {
  if (error !== null) throw error;
  void answerLines(`127.0.0.1:${port}`, {}, async () => server.forceShutdown());
});
