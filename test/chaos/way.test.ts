import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { until } from '../support/redis.ts';
import { Net } from './net.ts';
import { Way } from './way.ts';

/** A server that says back what it hears; answers its port. */
async function echo(): Promise<number> {
  const server = createServer((socket) => socket.on('error', () => {}).pipe(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

async function wayToEcho(): Promise<Way> {
  const way = await Way.to(await echo());
  onTestFinished(() => way.close());
  return way;
}

/** A socket through it, and all that came back so far. */
function through(way: Way): { socket: Socket; heard: () => string } {
  const socket = connect(way.port, '127.0.0.1');
  let heard = '';
  socket.setEncoding('utf8').on('data', (text: string) => {
    heard += text;
  });
  socket.on('error', () => {});
  onTestFinished(() => void socket.destroy());
  return { socket, heard: () => heard };
}

test('in fair weather everything passes, and nothing is touched', async () => {
  const way = await wayToEcho();
  const { socket, heard } = through(way);
  socket.write('a');
  await until(() => heard() === 'a');
  expect(way.touched).toBe(0);
});

test('what a black hole swallowed arrives in its order once the weather is fair', async () => {
  const way = await wayToEcho();
  const { socket, heard } = through(way);
  socket.write('a');
  await until(() => heard() === 'a');
  way.become('black hole');
  socket.write('b');
  await until(() => way.touched === 1);
  socket.write('c');
  await until(() => way.touched === 2);
  expect(heard()).toBe('a');
  way.become('fair');
  socket.write('d');
  await until(() => heard() === 'abcd');
});

test('a dropped way breaks what is open and takes nothing new, until the weather is fair', async () => {
  const way = await wayToEcho();
  const { socket, heard } = through(way);
  socket.write('a');
  await until(() => heard() === 'a');
  way.become('drop');
  await once(socket, 'close');
  await once(through(way).socket, 'close');
  way.become('fair');
  const again = through(way);
  again.socket.write('b');
  await until(() => again.heard() === 'b');
});

test('a slow way is late, and loses nothing', async () => {
  const way = await wayToEcho();
  const { socket, heard } = through(way);
  way.become(20);
  for (const text of 'abcdef') socket.write(text);
  await until(() => heard() === 'abcdef');
  expect(way.touched).toBeGreaterThan(1);
});

test('in a parted net each side reaches its own and nobody else, until it is healed', async () => {
  const [far, own] = ['127.0.9.1', '127.0.9.2'];
  const net = new Net();
  onTestFinished(() => net.close());
  const ports = await Promise.all([far, own].map(async (owner) => ({ owner, port: await net.wayTo(await echo(), owner) })));
  /** Who answers to someone who calls from an address. */
  const reached = async (localAddress: string) => {
    const answers = ports.map(async ({ owner, port }) => {
      const socket = connect({ port, host: '127.0.0.1', localAddress });
      socket.on('error', () => {}).write('a');
      const answer = await Promise.race([once(socket, 'data').then(() => [owner]), once(socket, 'close').then(() => [])]);
      socket.destroy();
      return answer;
    });
    return (await Promise.all(answers)).flat();
  };
  net.part([own], 'drop');
  expect([await reached(own), await reached('127.0.9.3'), await reached(far)]).toEqual([[own], [far], [far]]);
  expect(net.touched).toBeGreaterThan(0);
  net.heal();
  expect([await reached(own), await reached('127.0.9.3')]).toEqual([
    [far, own],
    [far, own],
  ]);
});
