import { redisServer, tellsDisk } from '../support/redis.ts';
import type { Mutant } from './mutant.ts';

const REPLICAS = ['test/store/redis/replicas.test.ts'];
const SECURED = ['test/store/redis/secured.test.ts'];
const LOST = ['test/store/redis/lost.test.ts'];
const WORD = ['test/store/redis/word.test.ts'];
const SHARING = ['test/pool/sharing.test.ts'];

/** What several replicas over one store promise; seen only where there is a server to share. */
const all: readonly Mutant[] = [
  {
    name: 'two replicas change one record past each other',
    file: 'src/store/redis/apply-script.ts',
    find: "if (found[named] or '') ~= ARGV[i + 1] then stands = 0 end",
    replace: '',
    tests: REPLICAS,
  },
  {
    name: 'versions that two replicas count alike are taken for the same',
    file: 'src/store/redis/replica.ts',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: source text
    find: 'return `${this.id}.${this.#stamps.toString(36)}`;',
    replace: 'return this.#stamps.toString(36);',
    tests: REPLICAS,
  },
  {
    name: 'two replicas grant leases of one limit group past each other',
    file: 'src/store/redis/touched.ts',
    find: 'if (id !== undefined) compare(KINDS.groups,',
    replace: 'if (id === null) compare(KINDS.groups,',
    tests: REPLICAS,
  },
  {
    name: 'several changes of one record are compared by the last stamp instead of the first',
    file: 'src/store/redis/parcel.ts',
    find: 'const expected = before === undefined ? one.expected : before.expected;',
    replace: 'const { expected } = one;',
    tests: ['test/store/redis/parcel.test.ts'],
  },
  {
    name: 'what rests on a refused change goes on being shown',
    file: 'src/store/redis/mirror.ts',
    find: 'for (const one of doomed.flatMap(({ compared }) => compared)) this.#takeBack(one, dead);',
    replace: '',
    tests: REPLICAS,
  },
  {
    name: 'a repeated request id hands out a lease that never was',
    file: 'src/store/redis/shared-pool.ts',
    find: "before.some(({ change }, place) => change.requests !== undefined && answers[place] === 'moved_on') ? 'moved_on' : 'applied'",
    replace: "answers.length < 0 ? 'moved_on' : 'applied'",
    tests: REPLICAS,
  },
  {
    name: 'a renewed password is not taken into use',
    file: 'src/app/open-store.ts',
    find: 'if (isSameButForSecrets(settings, next)) Object.assign(options.access, redisOptions(next).access);',
    replace: 'isSameButForSecrets(settings, next);',
    tests: ['test/service/store-password.test.ts'],
  },
  {
    name: 'Sentinels are asked without a password',
    file: 'src/store/redis/primaries.ts',
    find: 'sentinels ?? { tls:',
    replace: 'false || { tls:',
    tests: SECURED,
  },
  {
    name: 'the authority that is named is not the one that is trusted',
    file: 'src/store/redis/connection.ts',
    find: '...(ca === undefined ? {} : { ca }),',
    replace: '',
    tests: SECURED,
  },
  {
    name: 'why the store does not come back is kept from the operator',
    file: 'src/store/redis/link.ts',
    find: 'this.#with.onStillLost(reasonOf(cause, this.#with.access));',
    replace: '',
    tests: SECURED,
  },
  {
    name: 'an answer does not wait for another server',
    file: 'src/store/redis/link.ts',
    find: 'return { reply, durable: both };',
    replace: 'return { reply, durable: reply.then(() => {}) };',
    tests: ['test/store/redis/durability.test.ts'],
  },
  {
    name: 'what a server has lost is not put back',
    file: 'src/store/redis/join.ts',
    find: 'const isLost = memory.epoch > 0 && memory.sequence > kept;',
    replace: 'const isLost = false;',
    tests: LOST,
  },
  {
    name: 'a replica writes in an epoch that is over',
    file: 'src/store/redis/apply-script.ts',
    find: "if known[1] ~= ARGV[1] then return {'fenced', now} end",
    replace: '',
    tests: LOST,
  },
  {
    name: 'nobody is missed after a failover',
    file: 'src/store/redis/epoch-scripts.ts',
    find: "redis.call('HSET', KEYS[10], signs[i], 1)",
    replace: '',
    tests: LOST,
  },
  {
    name: 'what a Sentinel said long ago counts',
    file: 'src/store/redis/word.ts',
    find: 'this.#monotonic() - this.#asked > this.validMs',
    replace: 'false',
    tests: WORD,
  },
  {
    name: 'a primary is one though another is named',
    file: 'src/store/redis/word.ts',
    find: 'if (named.host !== host || named.port !== port)',
    replace: 'if (named.host !== host)',
    tests: WORD,
  },
  {
    name: 'the first Sentinel that answers decides',
    file: 'src/store/redis/primaries.ts',
    find: 'if (count > endpoints.length / 2) resolve(told);',
    replace: 'if (count > 0) resolve(told);',
    tests: WORD,
  },
  {
    name: 'nobody asks the Sentinels again',
    file: 'src/store/redis/link.ts',
    find: 'await word?.renew();',
    replace: 'await connection;',
    tests: WORD,
  },
  {
    name: 'learning forgets how long a replica may go on with a primary that was replaced',
    file: 'src/store/redis/join.ts',
    find: 'leaseMaxMs + graceMs',
    replace: 'leaseMaxMs',
    tests: WORD,
  },
  {
    name: 'who comes back late with grants that are over holds everybody up',
    file: 'src/store/redis/link.ts',
    find: 'lostAt: this.#lostAt',
    replace: 'lostAt: replica.time.now()',
    tests: LOST,
  },
  {
    name: 'a replica that left properly is missed',
    file: 'src/store/redis/epoch-scripts.ts',
    find: "return redis.call('HDEL', KEYS[9], ARGV[1])",
    replace: 'return 0',
    tests: LOST,
  },
  {
    name: 'a replica that slept decides on what is over',
    file: 'src/store/redis/apply-script.ts',
    find: "if off >= 0 and -ahead > off then return {'late', now, before} end",
    replace: '',
    tests: ['test/store/redis/store-time.test.ts'],
  },
  {
    name: 'keys are granted while grants may be forgotten',
    file: 'src/pool/room.ts',
    find: "if ((facts.grantsFrom ?? 0) > facts.now) return 'no_room';",
    replace: '',
    tests: SHARING,
  },
  {
    name: 'a key at home goes before one of a higher tier',
    file: 'src/pool/best-key.ts',
    find: 'config.priority === tier && isHome(state.group)',
    replace: 'config.priority <= tier && isHome(state.group)',
    tests: SHARING,
  },
  {
    name: 'a key that is best so far is chosen whether or not it has room',
    file: 'src/pool/best-key.ts',
    find: 'if (isBetter && passedOver(facts, known, ask) === null) champion = challenger;',
    replace: 'if (isBetter) champion = challenger;',
    tests: ['test/pool/best-key.test.ts'],
  },
  {
    name: 'two replicas are at home with one limit group',
    file: 'src/store/redis/homes.ts',
    find: 'isHome = home?.replica === replica;',
    replace: 'isHome = home !== undefined;',
    tests: ['test/store/redis/homes.test.ts'],
  },
  {
    name: 'a replica that is always first does not learn that others come too late',
    file: 'src/store/redis/apply-script.ts',
    find: "if #lines < #answers then redis.call('PUBLISH'",
    replace: "if false then redis.call('PUBLISH'",
    tests: ['test/store/redis/replicas.test.ts'],
  },
  {
    name: 'a replica that is heard of is not met before its next sign of life',
    file: 'src/store/redis/homes.ts',
    find: 'if (!this.#alive.includes(replica)) this.#settle([...this.#alive, replica]);',
    replace: '',
    tests: ['test/store/redis/homes.test.ts'],
  },
  {
    name: 'what two replicas learn of usage at once is a conflict',
    file: 'src/store/redis/touched.ts',
    find: 'if (!isAllLearnt) compare(',
    replace: 'compare(',
    tests: ['test/store/redis/replicas.test.ts'],
  },
  {
    name: 'what was learnt with a change that came to nothing is kept',
    file: 'src/store/redis/mirror.ts',
    find: 'record: kind === KINDS.usage ? this.#usage.get(id) : before',
    replace: 'record: kind === KINDS.usage ? this.tables.state.usage[id] : before',
    tests: ['test/store/redis/replicas.test.ts'],
  },
  {
    name: 'a lease of a refused change goes on being shown',
    file: 'src/store/redis/mirror.ts',
    find: 'for (const one of doomed.flatMap(({ uncompared }) => uncompared).reverse()) this.#takeBackUncompared(one);',
    replace: '',
    tests: REPLICAS,
  },
  {
    name: 'what was not confirmed is put back into a store that lost it',
    file: 'src/store/redis/mirror.ts',
    find: 'for (const { uncompared } of [...this.#pending].reverse()) {',
    replace: 'for (const { uncompared } of [...this.#pending].slice(0, 0)) {',
    tests: ['test/store/redis/mirror.test.ts'],
  },
  {
    name: 'what is put back late is not taken, though nobody has read the pool',
    file: 'src/store/redis/epoch-scripts.ts',
    find: 'if known[1] ~= ARGV[1] or tonumber(known[3] or 0) > tonumber(ARGV[2]) then return 0 end',
    replace:
      "if known[1] ~= ARGV[1] or tonumber(known[3] or 0) > tonumber(ARGV[2]) or now >= tonumber(redis.call('HGET', KEYS[1], 'opens')) then return 0 end",
    tests: ['test/store/redis/join.test.ts'],
  },
  {
    name: 'who knows nothing opens an empty store before who does can put it back',
    file: 'src/store/redis/epoch-scripts.ts',
    find: 'if not known[1] and mine == 0 then',
    replace: 'if false then',
    tests: ['test/store/redis/join.test.ts'],
  },
  {
    name: 'in a large pool a key at home that has room again is overlooked',
    file: 'src/service/indexes.ts',
    find: 'for (const { byClass } of [indexed, indexed.home]) {',
    replace: 'for (const { byClass } of [indexed]) {',
    tests: ['test/service/indexes.test.ts'],
  },
  {
    name: 'in a large pool a key that joins a limit group stays where it was at home',
    file: 'src/service/indexes.ts',
    find: 'indexed.home.byClass.clear();',
    replace: '',
    tests: ['test/service/indexes.test.ts'],
  },
  {
    name: 'in a large pool replicas choose from all keys, whoever is at home',
    file: 'src/pool/acquire.ts',
    find: 'const known = chance.homeIndexOf?.(facts, ask.modelClass)?.find(facts, ask) ?? index.find(facts, ask);',
    replace: 'const known = index.find(facts, ask);',
    tests: SHARING,
  },
];

/** Seen only where the server tells what is on its disk. */
const onDisk: readonly Mutant[] = [
  {
    name: 'an answer leaves before it is on disk',
    file: 'src/store/redis/link.ts',
    find: "if (durability === 'ack') return;",
    replace: "if (durability !== 'replicated') return;",
    tests: ['test/store/redis/fsync.test.ts'],
  },
  {
    name: 'a store that loses nothing asks for the patience of one that may',
    file: 'src/store/redis/redis.ts',
    find: "losesNothing: this.#options.durability === 'fsync' && this.#options.place.kind === 'single',",
    replace: 'losesNothing: false,',
    tests: ['test/store/redis/fsync.test.ts'],
  },
];

export const replicas: readonly Mutant[] = redisServer === null ? [] : [...all, ...(tellsDisk() ? onDisk : [])];
