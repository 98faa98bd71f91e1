import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { ChannelCredentials, Client } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { onTestFinished } from 'vitest';

const folder = join(dirname(createRequire(import.meta.url).resolve('@grpc/reflection/package.json')), 'build/proto/grpc/reflection');

interface Answer {
  readonly listServicesResponse?: { readonly service: readonly { readonly name: string }[] };
  readonly fileDescriptorResponse?: { readonly fileDescriptorProto: readonly Buffer[] };
  readonly errorResponse?: { readonly errorCode: number };
}

/** Asks a server about itself, in one version of the reflection protocol. */
export function reflectionClient(address: string, version: 'v1' | 'v1alpha') {
  const name = `grpc.reflection.${version}.ServerReflection`;
  const { path, requestSerialize, responseDeserialize } = (
    loadSync(join(folder, version, 'reflection.proto'))[name] as unknown as Record<
      'ServerReflectionInfo',
      { path: string; requestSerialize: (request: object) => Buffer; responseDeserialize: (bytes: Buffer) => Answer }
    >
  ).ServerReflectionInfo;
  const client = new Client(address, ChannelCredentials.createInsecure());
  onTestFinished(() => client.close());
  const ask = (question: object) =>
    new Promise<Answer>((resolve, reject) => {
      const stream = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
      stream.once('data', resolve).once('error', reject);
      stream.end(question);
    });
  return {
    services: async () => (await ask({ listServices: '' })).listServicesResponse?.service.map((service) => service.name),
    fileOf: async (symbol: string) => (await ask({ fileContainingSymbol: symbol })).fileDescriptorResponse?.fileDescriptorProto,
    errorOf: async (symbol: string) => (await ask({ fileContainingSymbol: symbol })).errorResponse?.errorCode,
  };
}
