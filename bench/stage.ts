import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { credentials, status } from '@grpc/grpc-js';
import { KeyLeaseServiceClient, LeaseStreamRequest } from '../src/generated/keylease/v1/key_lease_service.ts';
import { buildEcho } from './cpp/build.ts';
import { unaryCall } from './load/loops.ts';
import { ACQUIRE_KEY, ACQUIRE_MESSAGE } from './load/messages.ts';
import { makeDiskFolder } from './machine.ts';
import { Subject } from './servers/subject.ts';

/** `echo` and `cpp` decide nothing: they are what a call costs without keylease. */
export type SubjectName = 'echo' | 'cpp' | 'memory' | 'file';

type Started = Subject | { readonly missing: string };

/** Every server that the bench has started, each at most once. */
export class Stage {
  /** On a disk, and gone when the bench ends. */
  readonly folder = makeDiskFolder();
  readonly #profiles: string | undefined;
  readonly #started = new Map<SubjectName, Promise<Started>>();
  readonly #extra: Subject[] = [];

  /** Where `profiles` names a folder, each server leaves a CPU profile in it. */
  constructor(profiles: string | undefined) {
    this.#profiles = profiles;
  }

  subject(name: SubjectName): Promise<Started> {
    const started = this.#started.get(name) ?? this.#start(name);
    this.#started.set(name, started);
    return started;
  }

  /** One more server with the memory store, for a load that would leave its traces in the other one. */
  async fresh(): Promise<Subject> {
    const subject = await Subject.start(this.#node('keylease'));
    this.#extra.push(subject);
    return subject;
  }

  async servesStream({ address }: Subject): Promise<boolean> {
    const client = new KeyLeaseServiceClient(address, credentials.createInsecure());
    const stream = client.leaseStream();
    const code = await new Promise<number>((resolve) => {
      stream.on('data', () => {}).on('error', () => {});
      stream.on('status', (ended) => resolve(ended.code));
      stream.end(LeaseStreamRequest.create());
    });
    client.close();
    return code !== status.UNIMPLEMENTED;
  }

  /** Ends every server, also where some have failed. */
  async stop(): Promise<void> {
    const started = await Promise.allSettled(this.#started.values());
    const subjects = started.flatMap((each) => (each.status === 'fulfilled' && each.value instanceof Subject ? [each.value] : []));
    await Promise.all([...subjects, ...this.#extra].map((subject) => subject.stop()));
  }

  async #start(name: SubjectName): Promise<Started> {
    switch (name) {
      case 'memory':
        return Subject.start(this.#node('keylease'));
      case 'file': {
        const store = join(this.folder, 'store');
        mkdirSync(store);
        return Subject.start(this.#node('keylease', store));
      }
      case 'echo':
        return Subject.start(this.#node('echo', await this.#granted()));
      case 'cpp': {
        const built = await buildEcho();
        return 'missing' in built ? built : Subject.start([built.path, await this.#granted()]);
      }
      default:
        return name satisfies never;
    }
  }

  /** What keylease answers to the request of the load, so that an echo answers the same. */
  async #granted(): Promise<string> {
    const memory = (await this.subject('memory')) as Subject;
    const connection = await memory.connection();
    const answer = await new Promise<Buffer | null>((resolve) => unaryCall(connection, ACQUIRE_KEY, ACQUIRE_MESSAGE, resolve));
    if (answer === null) throw new Error('keylease has refused the first call');
    await memory.release();
    return answer.toString('base64');
  }

  #node(server: string, ...args: string[]): string[] {
    const profile = this.#profiles === undefined ? [] : ['--cpu-prof', '--cpu-prof-dir', this.#profiles];
    return [process.execPath, ...profile, join(import.meta.dirname, 'servers', `${server}.ts`), ...args];
  }
}
