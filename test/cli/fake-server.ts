import { type CallContext, createServer, ServerError, type ServiceImplementation, type Status } from 'nice-grpc';
import { onTestFinished } from 'vitest';
import type { Any } from '../../src/generated/google/protobuf/any.ts';
import { Status as RpcStatus } from '../../src/generated/google/rpc/status.ts';
import { KeyLeaseServiceDefinition } from '../../src/generated/keylease/v1/key_lease_service.ts';
import { PoolAdminServiceDefinition } from '../../src/generated/keylease/v1/pool_admin_service.ts';

type Calls = ServiceImplementation<KeyLeaseServiceDefinition> & ServiceImplementation<PoolAdminServiceDefinition>;

/** Starts a server that answers with the given handlers, and stops it when the test is over. Answers with its address. */
export async function startFakeServer(calls: Partial<Calls>, address = '127.0.0.1:0'): Promise<string> {
  const server = createServer();
  const handlers = calls as Calls;
  server.add(KeyLeaseServiceDefinition, withUnknown(KeyLeaseServiceDefinition.methods, handlers));
  server.add(PoolAdminServiceDefinition, withUnknown(PoolAdminServiceDefinition.methods, handlers));
  const port = await server.listen(address);
  onTestFinished(() => server.forceShutdown());
  return address.startsWith('unix:') ? address : `127.0.0.1:${port}`;
}

/** A handler that answers with a status and its details. */
export function refuse(code: Status, message: string, details: readonly Any[] = []) {
  return async (_request: unknown, context: CallContext): Promise<never> => {
    context.trailer.set('grpc-status-details-bin', RpcStatus.encode({ code, message, details: [...details] }).finish());
    throw new ServerError(code, message);
  };
}

/** A detail of a status, packed. */
export function detail<T>(name: string, message: { encode(value: T): { finish(): Uint8Array } }, value: T): Any {
  return { typeUrl: `type.googleapis.com/google.rpc.${name}`, value: message.encode(value).finish() };
}

function withUnknown<T>(methods: object, handlers: T): T {
  const unknown = Object.keys(methods).map((name) => [name, () => Promise.reject(new Error(`${name} was not expected`))]);
  return { ...Object.fromEntries(unknown), ...handlers };
}
