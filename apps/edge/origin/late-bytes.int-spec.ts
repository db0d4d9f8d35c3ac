import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer as createPlain, type AddressInfo, type Server, type Socket } from 'node:net';
import { createServer as createSecure } from 'node:tls';
import { EdgeProcess, temporaryFolder, type EdgeRuntime } from '../edge.fixture.ts';
import { pause } from '#runtime';
import { writeCertificate } from '../server/certificates.fixture.ts';

const evil = 'HTTP/1.1 200 OK\r\ncache-control: max-age=600\r\ncontent-length: 5\r\n\r\nEVIL!';
/** Answers that are whole, behind each of which more comes. */
const kinds: Readonly<Record<string, string>> = {
  none: 'HTTP/1.1 204 No Content\r\n\r\n',
  empty: 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n',
  length: 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok',
  chunks: 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n',
};

function answer(socket: Socket, path: string): void {
  const [, kind = '', lateMs] = path.split('/');
  const bad = kinds[kind];
  if (bad !== undefined) {
    socket.write(bad);
    setTimeout(() => socket.write(evil), Number(lateMs));
  } else socket.write(`HTTP/1.1 200 OK\r\ncache-control: max-age=600\r\ncontent-length: ${path.length}\r\n\r\n${path}`);
}

function serve(socket: Socket): void {
  socket.on('error', () => undefined);
  let text = '';
  socket.on('data', (bytes) => {
    text += bytes.toString('latin1');
    for (let end = text.indexOf('\r\n\r\n'); end >= 0; end = text.indexOf('\r\n\r\n')) {
      answer(socket, text.split(' ', 2)[1] as string);
      // Behind the head of a POST comes the one piece of its body.
      text = text.startsWith('POST') ? '' : text.slice(end + 4);
    }
  });
}

describe.each<[EdgeRuntime, 'http' | 'https', 'at once' | 'collected']>([
  ['bun', 'http', 'at once'],
  ['bun', 'https', 'at once'],
  ['bun', 'https', 'collected'],
  ['node', 'http', 'at once'],
  ['node', 'https', 'at once'],
  ['node', 'https', 'collected'],
])('an origin that says more than its answer, asked by %s over %s, whose small writes go out %s', (runtime, scheme, sent) => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let origin: Server;
  let edge: EdgeProcess;

  beforeAll(async () => {
    folder = await temporaryFolder();
    const certificate = writeCertificate(folder.path, 'origin', ['localhost']);
    const [cert, key] = await Promise.all([readFile(certificate), readFile(certificate.replace(/crt$/, 'key'))]);
    const noDelay = sent === 'at once';
    origin = scheme === 'http' ? createPlain({ noDelay }, serve) : createSecure({ cert, key, noDelay }, serve);
    origin.listen(0, '127.0.0.1');
    await once(origin, 'listening');
    const originUrl = `${scheme}://localhost:${(origin.address() as AddressInfo).port}`;
    edge = await EdgeProcess.start({ runtime, dataDir: folder.path, originUrl, env: { NODE_EXTRA_CA_CERTS: certificate } });
  }, 30_000);

  afterAll(async () => {
    await edge.kill('SIGTERM');
    origin.close();
    await folder.remove();
  });

  const asksIn = async (path: string, waitMs: number): Promise<string[]> => {
    await edge.get(path);
    // Behind the rest that is enough for what goes out at once, and before what is collected comes.
    await pause(waitMs);
    const own = `/own${path}`;
    const { body } = await edge.get(own);
    return body === own ? [] : [body];
  };

  if (sent === 'collected') {
    test('behind an answer without a body: nobody is served it', async () => {
      // Acknowledged late is what comes on connections that go to and fro: the first pieces on one are at once.
      for (let round = 0; round < 16; round++) {
        await Promise.all(Array.from({ length: 12 }, (_, at) => edge.get(`/first-${round}-${at}.m4s`)));
        await pause(21);
      }
      const asked = ['none', 'empty'].flatMap((kind) => Array.from({ length: 12 }, (_, at) => asksIn(`/${kind}/1/${at}.m4s`, 8 + 2 * at)));
      expect((await Promise.all(asked)).flat()).toEqual([]);
    });
    return;
  }

  test('right away or a little later: nobody is served it', async () => {
    // Connections that wait to be used.
    await Promise.all(Array.from({ length: 8 }, (_, at) => edge.get(`/first-${at}.m4s`)));
    const asked = Object.keys(kinds).flatMap((kind) =>
      [0, 1, 2].map(async (lateMs) => {
        const wrong: string[] = [];
        for (let at = 0; at < 10; at++) {
          await edge.get(`/${kind}/${lateMs}/${at}.m4s`);
          await edge.get(`/${kind}/${lateMs}/${at}`, {}, 'POST', 'body');
          const path = `/own/${kind}/${lateMs}/${at}.m4s`;
          for (const { body } of [await edge.get(path), await edge.get(path)]) if (body !== path) wrong.push(body);
        }
        return wrong;
      }),
    );
    expect((await Promise.all(asked)).flat()).toEqual([]);
  });
});
