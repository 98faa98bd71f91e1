import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe } from 'vitest';
import { steadyClock } from '../../../src/store/clock.ts';
import { openRedisStore } from '../../../src/store/redis/redis.ts';
import { ACCESS, RedisServer, redisServer } from '../../support/redis.ts';
import { storeContract, type TestTime } from '../contract.ts';

describe.skipIf(redisServer === null)('one server', () => {
  let server: RedisServer;

  beforeAll(async () => {
    server = await RedisServer.start();
  });
  afterAll(() => server.stop());

  storeContract('redis', (time) =>
    openRedisStore({
      place: { kind: 'single', at: server.at },
      access: ACCESS,
      prefix: randomUUID(),
      durability: 'ack',
      emptyMs: 0,
      time: testTime(time),
    }),
  );
});

/** A time that the test moves, whatever the server says. */
function testTime({ wall, monotonic }: TestTime) {
  return { now: steadyClock(0, wall, monotonic), hear: () => {}, toleranceMs: -1 };
}
