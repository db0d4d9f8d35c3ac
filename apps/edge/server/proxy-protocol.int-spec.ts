import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdirSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { EdgeProcess, ScriptedOrigin, sendRaw, temporaryFolder, until, type EdgeRuntime } from '../edge.fixture.ts';
import { writeCertificate } from './certificates.fixture.ts';

const v2 = Buffer.concat([Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1'), Buffer.from([0x21, 0x11, 0, 12, 203, 0, 113, 7, 127, 0, 0, 1, 0, 80, 1, 187])]);

describe.each<EdgeRuntime>(['bun', 'node'])('behind a balancer with the PROXY protocol, served by %s', (runtime) => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let origin: ScriptedOrigin;
  let edge: EdgeProcess;
  let certificates: string;

  const start = (balancers: string, name: string): Promise<EdgeProcess> => {
    const env = { EDGE_TLS_DIR: certificates, EDGE_TLS_PORT: '0', EDGE_PROXY_PROTOCOL: balancers, EDGE_CLIENT_CONNECTIONS: '3' };
    return EdgeProcess.start({ runtime, dataDir: join(folder.path, name), originUrl: origin.url, env });
  };

  beforeAll(async () => {
    folder = await temporaryFolder();
    certificates = join(folder.path, 'certificates');
    mkdirSync(certificates);
    writeCertificate(certificates, 'default', ['a.test']);
    origin = await ScriptedOrigin.start();
    edge = await start('127.0.0.0/8', 'trusted');
  }, 30_000);

  afterAll(async () => {
    await edge.kill('SIGTERM');
    await origin.close();
    await folder.remove();
  });

  const addressSeen = (path: string): string | undefined => /x-forwarded-for: (\S+)/.exec(origin.seen.find((one) => one.path === path)?.head ?? '')?.[1];
  const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: a.test\r\n\r\n`;

  test('the client is who the balancer says, in both versions and ahead of TLS', async () => {
    for (const path of ['/api/v1-line', '/api/v2', '/api/tls', '/api/probe']) origin.says(path, '200 OK', 'x');
    const line = 'PROXY TCP4 203.0.113.9 127.0.0.1 5 80\r\n';
    expect(await sendRaw(edge.port, line + get('/api/v1-line'), /x$/)).toMatch(/^HTTP\/1\.1 200 /);
    expect(await sendRaw(edge.port, v2.toString('latin1') + get('/api/v2'), /x$/)).toMatch(/^HTTP\/1\.1 200 /);
    expect(await sendRaw(edge.port, `PROXY UNKNOWN\r\n${get('/api/probe')}`, /x$/)).toMatch(/^HTTP\/1\.1 200 /);
    const socket = connect(edge.tlsPort, '127.0.0.1');
    socket.write(v2);
    const secure = connectTls({ socket, servername: 'a.test', rejectUnauthorized: false });
    let got = '';
    secure.on('data', (bytes: Buffer) => (got += bytes.toString()));
    secure.write(get('/api/tls'));
    await until(() => got.endsWith('x'));
    secure.destroy();
    expect(['/api/v1-line', '/api/v2', '/api/tls', '/api/probe'].map(addressSeen)).toEqual(['203.0.113.9', '203.0.113.7', '203.0.113.7', '127.0.0.1']);
  });

  test('a balancer that says nothing, or nonsense, is not served; a client has so many connections', async () => {
    expect(await sendRaw(edge.port, get('/api/none'), /\r\n\r\n/)).toBe('');
    expect(await sendRaw(edge.port, `PROXY TCP4 nobody 127.0.0.1 5 80\r\n${get('/api/none')}`, /\r\n\r\n/)).toBe('');
    expect(origin.count('/api/none')).toBe(0);
    const sockets: Socket[] = [];
    let closed = 0;
    for (let count = 0; count < 4; count++) {
      const socket = connect(edge.port, '127.0.0.1');
      socket.on('error', () => undefined).on('close', () => closed++);
      socket.resume();
      socket.write('PROXY TCP4 203.0.113.50 127.0.0.1 5 80\r\n');
      sockets.push(socket);
    }
    await until(() => closed === 1);
    for (const socket of sockets) socket.destroy();
  });

  test('nobody else is believed', async () => {
    const other = await start('192.0.2.1', 'other');
    origin.says('/api/stranger', '200 OK', 'x');
    expect(await sendRaw(other.port, `PROXY TCP4 203.0.113.9 127.0.0.1 5 80\r\n${get('/api/stranger')}`, /\r\n\r\n/)).not.toMatch(/ 200 /);
    expect(await sendRaw(other.port, get('/api/stranger'), /x$/)).toMatch(/^HTTP\/1\.1 200 /);
    expect(addressSeen('/api/stranger')).toBe('127.0.0.1');
    await other.kill('SIGTERM');
  });
});
