import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { connect as connectHttp2, constants } from 'node:http2';
import { Agent, request as httpsRequest } from 'node:https';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { EdgeProcess, ScriptedOrigin, temporaryFolder, until, type EdgeRuntime } from '../edge.fixture.ts';
import { writeCertificate } from './certificates.fixture.ts';
import { badHttp2Bodies, http2SmugglingCases } from './http2-smuggling.cases.ts';
import { fieldBlock, flags, frameOf, frameTypes, RawH2 } from './raw-h2.fixture.ts';

const cached = '200 OK\r\ncache-control: max-age=60';

interface Got {
  readonly status: number;
  readonly body: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

function getHttp1(port: number, path: string, agent: Agent): Promise<Got> {
  return new Promise((resolve, reject) => {
    const asked = httpsRequest({ host: '127.0.0.1', port, path, agent, servername: 'a.test' }, (response) => {
      let body = '';
      response.on('data', (bytes: Buffer) => (body += bytes.toString()));
      response.on('error', reject);
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body, fields: response.headers }));
    });
    asked.on('error', reject);
    asked.end();
  });
}

const fresh = (): Agent => new Agent({ rejectUnauthorized: false, maxCachedSessions: 0 });

/** One request on a connection of its own. */
function getHttp2(port: number, path: string, fields: Readonly<Record<string, string>> = {}, body?: string): Promise<Got> {
  return new Promise((resolve, reject) => {
    const session = connectHttp2(`https://127.0.0.1:${port}`, { rejectUnauthorized: false });
    session.on('error', reject);
    const stream = session.request({ ':path': path, ':authority': 'a.test', ...fields }, { endStream: body === undefined });
    let text = '';
    let head: Readonly<Record<string, unknown>> = {};
    stream.on('response', (got) => (head = got));
    stream.on('data', (bytes: Buffer) => (text += bytes.toString()));
    stream.on('error', reject);
    stream.on('end', () => {
      session.close();
      resolve({ status: Number(head[constants.HTTP2_HEADER_STATUS]), body: text, fields: head });
    });
    if (body !== undefined) stream.end(body);
  });
}

/** Subject of the certificate that a client gets who asks for a name. */
function subjectFor(port: number, servername?: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connectTls({ host: '127.0.0.1', port, rejectUnauthorized: false, ...(servername === undefined ? {} : { servername }) }, () => {
      resolve(String(socket.getPeerCertificate().subject.CN));
      socket.destroy();
    });
    socket.on('error', reject);
  });
}

describe.each<EdgeRuntime>(['bun', 'node'])('TLS, HTTP/1.1 and HTTP/2, served by %s', (runtime) => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let certificates: string;
  let origin: ScriptedOrigin;
  let edge: EdgeProcess;

  beforeAll(async () => {
    folder = await temporaryFolder();
    certificates = join(folder.path, 'certificates');
    mkdirSync(certificates);
    writeCertificate(certificates, 'default', ['a.test']);
    writeCertificate(certificates, 'b', ['b.test', '*.b.test']);
    origin = await ScriptedOrigin.start();
    const env = { EDGE_TLS_DIR: certificates, EDGE_TLS_PORT: '0', EDGE_HTTPS_REDIRECT: '1', EDGE_HSTS_SECONDS: '600', EDGE_CLIENT_CONNECTIONS: '200' };
    edge = await EdgeProcess.start({ runtime, dataDir: folder.path, originUrl: origin.url, env });
  }, 30_000);

  afterAll(async () => {
    await edge.kill('SIGTERM');
    await origin.close();
    await folder.remove();
  });

  test('one object serves both protocols, with HSTS and where HTTP/3 is', async () => {
    origin.says('/a.m4s', cached, 'x');
    const first = await getHttp1(edge.tlsPort, '/a.m4s', fresh());
    const second = await getHttp2(edge.tlsPort, '/a.m4s');
    expect([first.status, first.body, second.status, second.body]).toEqual([200, 'x', 200, 'x']);
    expect(second.fields['cache-status']).toMatch(/^edge-1; hit/);
    expect(origin.count('/a.m4s')).toBe(1);
    for (const { fields } of [first, second]) {
      expect(fields['strict-transport-security']).toBe('max-age=600');
      expect(fields['alt-svc']).toBe(runtime === 'bun' ? `h3=":${edge.tlsPort}"; ma=86400` : undefined);
    }
  });

  test('the origin learns who asks for what, and by which scheme', async () => {
    origin.on('/api/who', async (request) => {
      await until(() => request.body.includes('abc'));
      request.socket.write('HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nx');
    });
    const answer = await getHttp2(edge.tlsPort, '/api/who', { ':method': 'POST', cookie: 'a=1', 'x-forwarded-proto': 'http' }, 'abc');
    expect(answer.status).toBe(200);
    const asked = origin.seen.find(({ path }) => path === '/api/who');
    for (const line of ['x-forwarded-proto: https', 'x-forwarded-host: a.test', 'cookie: a=1']) expect(asked?.head).toContain(line);
    expect(asked?.head).not.toMatch(/\n:|proto: http\r/);
    expect(asked?.body).toContain('abc');
  });

  test('TLS 1.3 alone, and the certificate of the name that is asked for', async () => {
    const s_client = ['s_client', '-connect', `127.0.0.1:${edge.tlsPort}`];
    const said = (version: string): Promise<string> =>
      new Promise((resolve) => {
        const child = execFile('openssl', [...s_client, version, '-brief'], (_error, _out, stderr) => resolve(stderr));
        child.stdin?.end();
      });
    const [old, recent] = await Promise.all(['-tls1_2', '-tls1_3'].map(said));
    expect(old).toMatch(/alert protocol version|unsupported protocol/);
    expect(recent).toContain('TLSv1.3');
    const names = ['a.test', 'b.test', 'sub.b.test', 'sub.sub.b.test', 'unknown.test', undefined];
    expect(await Promise.all(names.map((name) => subjectFor(edge.tlsPort, name)))).toEqual(['a.test', 'b.test', 'b.test', 'a.test', 'a.test', 'a.test']);
  });

  test('plain HTTP is sent to HTTPS, but for probes and challenges', async () => {
    const moved = await edge.get('/a.m4s?x=1', { host: 'a.test:80' }, 'POST');
    expect([moved.status, moved.headers.location]).toEqual([308, `https://a.test:${edge.tlsPort}/a.m4s?x=1`]);
    origin.says('/.well-known/acme-challenge/token', '200 OK', 'proof');
    expect((await edge.get('/.well-known/acme-challenge/token')).body).toBe('proof');
    expect((await edge.get('/healthz')).status).toBe(200);
    expect((await edge.get('/x', { host: 'a/b' })).status).toBe(400);
  });

  test('what could be read in two ways after HTTP/2 is refused, and does not reach the origin', async () => {
    const refused = [...http2SmugglingCases, ...badHttp2Bodies].filter(({ droppedByNode }) => runtime !== 'node' || droppedByNode !== true);
    const outcomes = await Promise.all(
      refused.map(async ({ name, fields, data }) => {
        const client = await RawH2.open(edge.tlsPort);
        const last = data === undefined ? flags.endStream : 0;
        client.send(frameOf(frameTypes.headers, last | flags.endHeaders, 1, fieldBlock(fields)));
        if (data !== undefined) client.send(frameOf(frameTypes.data, flags.endStream, 1, Buffer.from(data)));
        await until(() => client.outcome(1) !== undefined);
        client.close();
        return [name, client.outcome(1)] as const;
      }),
    );
    expect(outcomes.filter(([, outcome]) => typeof outcome === 'number' && outcome !== 400 && outcome !== 431)).toEqual([]);
    expect(outcomes.length).toBeGreaterThan(35);
    expect(origin.seen.filter(({ path }) => path.includes('smuggled')).map(({ head }) => head)).toEqual([]);
    // Of a body that breaks the rules the origin has seen no end.
    const bodies = origin.seen.filter(({ path }) => path === '/badly-framed');
    expect(bodies.filter(({ body, head }) => !/content-length|transfer-encoding/.test(head) || body.endsWith('0\r\n\r\n'))).toEqual([]);
  });

  test('a field that is dropped is nowhere', async () => {
    const dropped = http2SmugglingCases.filter(({ droppedByNode }) => runtime === 'node' && droppedByNode === true);
    for (const { fields } of dropped) {
      const client = await RawH2.open(edge.tlsPort);
      client.ask(
        1,
        fields.map(([name, value]) => [name, name === ':path' ? '/api/dropped' : value] as const),
      );
      await until(() => client.outcome(1) !== undefined);
      client.close();
    }
    const heads = origin.seen.filter(({ path }) => path === '/api/dropped').map(({ head }) => head);
    expect(heads).toHaveLength(dropped.length);
    for (const head of heads) expect(head).not.toMatch(/host: b|\nx[^-]|\n:|hidden/);
    expect(origin.count('/hidden')).toBe(0);
  });

  test('floods end the connection that sends them, and nobody else is served worse', async () => {
    const good = [
      [':method', 'GET'],
      [':scheme', 'https'],
      [':path', '/a.m4s'],
      [':authority', 'a.test'],
    ] as const;
    const pending = good.map(([name, value]) => [name, name === ':path' ? '/api/pending' : value] as const);
    origin.on('/api/pending', () => undefined);
    origin.says('/a.m4s', cached, 'x');
    const floods: ReadonlyArray<readonly [string, (client: RawH2, round: number) => void]> = [
      ['CONTINUATION', (client, round) => client.send(frameOf(frameTypes.continuation, 0, 1, fieldBlock([[`x${round}`, 'y'.repeat(1000)]])))],
      [
        'rapid reset',
        (client, round) => {
          client.ask(2 * round + 3, pending);
          client.send(frameOf(frameTypes.rstStream, 0, 2 * round + 3, Buffer.from([0, 0, 0, 8])));
        },
      ],
    ];
    for (const [name, flood] of floods) {
      const client = await RawH2.open(edge.tlsPort);
      if (name === 'CONTINUATION') client.send(frameOf(frameTypes.headers, flags.endStream, 1, fieldBlock(good)));
      let round = 0;
      for (; round < 50_000 && !client.closed && client.of(frameTypes.goAway).length === 0; round++) {
        flood(client, round);
        if (round % 20 === 0) await new Promise((resolve) => setImmediate(resolve));
      }
      expect([name, round < 50_000]).toEqual([name, true]);
      client.close();
      expect((await getHttp2(edge.tlsPort, '/a.m4s')).status).toBe(200);
    }
    const large = await getHttp2(edge.tlsPort, '/a.m4s', { 'x-large': 'y'.repeat(60_000) }).catch(() => undefined);
    expect([undefined, 431]).toContain(large?.status);
  });

  test('new certificates are taken over while connections go on', async () => {
    const halves = Promise.withResolvers<void>();
    origin.on('/api/slow', async ({ socket }) => {
      socket.write('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nfirst');
      await halves.promise;
      socket.write('later');
    });
    const slow = getHttp2(edge.tlsPort, '/api/slow');
    await until(() => origin.count('/api/slow') === 1);
    const outcomes: string[] = [];
    // Clients that keep their connections, and are never told of its end by a request that is lost.
    const kept = new Agent({ rejectUnauthorized: false, keepAlive: true });
    let isOver = false;
    const keeping = Array.from({ length: 8 }, async () => {
      while (!isOver) outcomes.push(await getHttp1(edge.tlsPort, '/a.m4s', kept).then(({ status }) => String(status), String));
    });
    writeCertificate(certificates, 'default', ['new.test', 'a.test']);
    // Somebody connects all the while, and is always served.
    await until(async () => {
      const answers = await Promise.all(
        [getHttp1(edge.tlsPort, '/a.m4s', fresh()), getHttp2(edge.tlsPort, '/a.m4s')].map((answer) => answer.then(({ status }) => String(status), String)),
      );
      outcomes.push(...answers);
      return edge.lines.some(({ msg }) => String(msg).startsWith('new certificates are in use'));
    });
    expect(await subjectFor(edge.tlsPort, 'a.test')).toBe('new.test');
    isOver = true;
    await Promise.all(keeping);
    kept.destroy();
    expect([...new Set(outcomes)]).toEqual(['200']);
    halves.resolve();
    expect((await slow).body).toBe('firstlater');
    // What cannot be used changes nothing.
    const before = edge.lines.length;
    writeFileSync(join(certificates, 'b.key'), 'no key');
    await until(() => edge.lines.slice(before).some(({ msg }) => String(msg).includes('cannot be used and is left out')));
    expect(await subjectFor(edge.tlsPort, 'b.test')).toBeDefined();
  });
});
