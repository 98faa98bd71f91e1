import { ChannelCredentials, Client, type ServiceError } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { protoPath } from 'grpc-health-check';
import { onTestFinished } from 'vitest';

type Answer = { status: string; statuses: Record<string, { status: string }> };

interface Method {
  readonly path: string;
  readonly requestSerialize: (request: object) => Buffer;
  readonly responseDeserialize: (bytes: Buffer) => Answer;
}

const methods = loadSync(protoPath, { enums: String, defaults: true })['grpc.health.v1.Health'] as unknown as Record<string, Method>;

/** A client of the standard health service, as any other program has it. */
export function healthClient(address: string) {
  const client = new Client(address, ChannelCredentials.createInsecure());
  onTestFinished(() => client.close());
  const method = (name: string) => methods[name] as Method;
  const unary = (name: string, request: object) =>
    new Promise<Answer>((resolve, reject) => {
      const { path, requestSerialize, responseDeserialize } = method(name);
      const answer = (error: ServiceError | null, value?: Answer) => (error === null ? resolve(value as Answer) : reject(error));
      client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, answer);
    });
  return {
    check: (service: string) => unary('Check', { service }).then(({ status }) => status),
    list: () =>
      unary('List', {}).then(({ statuses }) => Object.fromEntries(Object.entries(statuses).map(([name, { status }]) => [name, status]))),
    /** Everything that a watch is told, as it comes, and how it ended. */
    watch(service: string) {
      const { path, requestSerialize, responseDeserialize } = method('Watch');
      const told: string[] = [];
      const stream = client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, { service });
      const ended = new Promise<ServiceError>((resolve) => stream.once('error', resolve));
      stream.on('data', ({ status }: Answer) => told.push(status));
      onTestFinished(() => stream.cancel());
      return { told, ended };
    },
  };
}
