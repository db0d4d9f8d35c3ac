import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { EdgeProcess, temporaryFolder, until, type EdgeRuntime } from '../edge.fixture.ts';

describe.each<EdgeRuntime>(['bun', 'node'])('an origin that takes connections and never agrees on TLS, asked by %s', (runtime) => {
  const open = new Set<Socket>();
  let taken = 0;
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let origin: Server;
  let edge: EdgeProcess;

  beforeAll(async () => {
    folder = await temporaryFolder();
    origin = createServer((socket) => {
      taken++;
      open.add(socket);
      socket
        .on('error', () => undefined)
        .on('close', () => open.delete(socket))
        .resume();
    });
    origin.listen(0, '127.0.0.1');
    await once(origin, 'listening');
    const originUrl = `https://127.0.0.1:${(origin.address() as AddressInfo).port}`;
    edge = await EdgeProcess.start({ runtime, dataDir: folder.path, originUrl });
  }, 30_000);

  afterAll(async () => {
    await edge.kill('SIGTERM');
    origin.close();
    await folder.remove();
  });

  test('no connection to it outlasts the time to connect', async () => {
    const answers = await Promise.all(Array.from({ length: 8 }, (_, at) => edge.get(`/post/${at}`, {}, 'POST', 'body')));
    expect(taken).toBeGreaterThanOrEqual(8);
    await until(() => open.size === 0);
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([504]));
  }, 30_000);
});
