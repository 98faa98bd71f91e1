import type { Mutant } from './mutant.ts';

/** What the wire owes to those who behave well when others do not. */
export const hostile: readonly Mutant[] = [
  {
    name: 'metadata of any size is taken',
    file: 'src/grpc/call-bounds.ts',
    find: 'if (bytes > metadataBytes)',
    replace: 'if (false)',
    tests: ['test/grpc/bounds.test.ts'],
  },
  {
    name: 'a call may wait for its message for ever',
    file: 'src/grpc/call-bounds.ts',
    find: 'if (hasOneMessage) this.#watch(late);',
    replace: '',
    tests: ['test/grpc/bounds.test.ts'],
  },
  {
    name: 'a silent lease stream is ended as a call without a message is',
    file: 'src/grpc/call-bounds.ts',
    find: '!method.requestStream',
    replace: 'true',
    tests: ['test/grpc/bounds.test.ts'],
  },
  {
    name: 'calls that have ended count as under way',
    file: 'src/grpc/call-bounds.ts',
    find: 'if (isUnderWay) this.#underWay -= 1;',
    replace: '',
    tests: ['test/grpc/bounds.test.ts'],
  },
  {
    name: 'an answered call that its caller never ends stays for as long as its connection',
    file: 'src/grpc/half-open.ts',
    find: 'if (!stream.closed) stream.close(constants.NGHTTP2_NO_ERROR);',
    replace: '',
    tests: ['test/grpc/bounds.test.ts'],
  },
  {
    name: 'one peer takes every connection',
    file: 'src/grpc/connections.ts',
    find: 'ofPeer >= this.#bounds.connectionsPerPeer',
    replace: 'false',
    tests: ['test/grpc/bounds.test.ts'],
  },
  {
    name: 'a connection that has closed keeps its place',
    file: 'src/grpc/connections.ts',
    find: 'this.#open.delete(socket);',
    replace: '',
    tests: ['test/grpc/bounds.test.ts'],
  },
  {
    name: 'a connection that says nothing stays',
    file: 'src/grpc/connections.ts',
    find: 'socket.bytesRead < FIRST_BYTES && socket.destroy()',
    replace: 'undefined',
    tests: ['test/grpc/bounds.test.ts'],
  },
  {
    name: 'a stream that opens while the server drains is never ended',
    file: 'src/grpc/open-streams.ts',
    find: 'else stream.end(this.#end);',
    replace: '',
    tests: ['test/grpc/lease-stream-bounds.test.ts'],
  },
  {
    name: 'a drain cuts calls that are under way',
    file: 'src/grpc/connections.ts',
    find: 'setTimeout(() => this.#cut(), boundMs)',
    replace: 'setTimeout(() => this.#cut(), 0)',
    tests: ['test/trouble/shutdown.test.ts'],
  },
  {
    name: 'metadata that cannot be read is written to standard error',
    file: 'src/grpc/server.ts',
    find: '    silenceLibrary();\n',
    replace: '',
    tests: ['test/e2e/noise.test.ts'],
  },
];
