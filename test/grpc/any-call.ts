import { type Client, status as codes, type Metadata, type MethodDefinition, type ServiceError } from '@grpc/grpc-js';
import { Status } from '../../src/generated/google/rpc/status.ts';
import type { LeaseStreamResponse } from '../../src/generated/keylease/v1/key_lease_service.ts';

/** How any call was answered: unary, stream or conversation. */
export interface Outcome {
  readonly status: string;
  readonly message: string;
  /** The whole status as bytes, details and all; empty: it was answered. */
  readonly bytes: Buffer;
}

const ANSWERED: Outcome = { status: 'OK', message: '', bytes: Buffer.alloc(0) };

/** Makes a call of any kind, and takes the first answer for the outcome; on a LeaseStream that is the first reply. */
export function callAny(
  client: Client,
  method: MethodDefinition<unknown, unknown>,
  request: unknown,
  metadata: Metadata,
): Promise<Outcome> {
  const { path, requestSerialize: write, responseDeserialize: read } = method;
  return new Promise((resolve) => {
    if (!method.responseStream) {
      client.makeUnaryRequest(path, write, read, request, metadata, (error) => resolve(error === null ? ANSWERED : outcomeOf(error)));
      return;
    }
    const conversation = method.requestStream ? client.makeBidiStreamRequest(path, write, read, metadata) : undefined;
    const stream = conversation ?? client.makeServerStreamRequest(path, write, read, request, metadata);
    stream.on('error', (error: ServiceError) => resolve(outcomeOf(error)));
    stream.on('data', (message: unknown) => {
      resolve(method.requestStream ? outcomeOfReply(message as LeaseStreamResponse) : ANSWERED);
      stream.cancel();
    });
    conversation?.write(request);
  });
}

function outcomeOf({ code, details, metadata }: ServiceError): Outcome {
  const [bytes] = metadata?.get('grpc-status-details-bin') ?? [];
  return { status: codes[code] as string, message: details, bytes: Buffer.from(bytes ?? '') };
}

function outcomeOfReply(message: LeaseStreamResponse): Outcome {
  const reply = message.replies[0]?.reply;
  if (reply?.$case !== 'error') return ANSWERED;
  return {
    status: codes[reply.value.code] as string,
    message: reply.value.message,
    bytes: Buffer.from(Status.encode(reply.value).finish()),
  };
}
