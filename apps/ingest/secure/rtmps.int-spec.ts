import { ManualClock } from '#adapters/memory';
import { SystemClock } from '#adapters/system';
import { createLogger, pause, type Logger } from '#runtime';
import { afterEach, describe, expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { connect as connectPlain } from 'node:net';
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { Certificates } from '../testing/certificates.ts';
import { killTools, publish } from '../testing/ffmpeg.ts';
import { IngestNode } from '../testing/ingest-harness.ts';
import { CertificateKeeper } from './certificate-keeper.ts';

const nodes: IngestNode[] = [];
const folders: Certificates[] = [];

function certificates(): Certificates {
  const folder = new Certificates();
  folders.push(folder);
  return folder;
}

async function start(files: Certificates, minVersion: 'TLSv1.2' | 'TLSv1.3' = 'TLSv1.3'): Promise<IngestNode> {
  const { certPath, keyPath } = files;
  const node = await IngestNode.start(undefined, { rtmps: { certPath, keyPath, port: 0, backupPort: 0, minVersion } });
  nodes.push(node);
  return node;
}

afterEach(async () => {
  killTools();
  for (const node of nodes.splice(0)) await node.stop();
  for (const folder of folders.splice(0)) folder.remove();
});

/** A connection that checks the certificate against the file as it is now. */
async function secure(port: number | undefined, files: Certificates, options: ConnectionOptions = {}): Promise<TLSSocket> {
  const socket = connect({ port: port ?? 0, host: '127.0.0.1', servername: 'localhost', ca: readFileSync(files.certPath), ...options });
  await once(socket, 'secureConnect');
  return socket;
}

const nameOf = (socket: TLSSocket): unknown => socket.getPeerCertificate().subject.CN;

describe('RTMPS', () => {
  test('ffmpeg publishes to both encrypted ports, and to the plain one beside them', async () => {
    const node = await start(certificates().write());
    const { rtmpsPort, rtmpsBackupPort } = node.ports;
    const [first, second] = [await node.createStream('st-aaaaaaaa'), await node.createStream('st-bbbbbbbb')];
    const ended = [publish(`rtmps://127.0.0.1:${rtmpsPort}/live/${first}`, 2), publish(`rtmps://127.0.0.1:${rtmpsBackupPort}/live/${second}`, 2)];
    publish(node.url(await node.createStream('st-cccccccc')), 2);
    for (const one of ended) expect(await one.ended).toMatchObject({ code: 0 });
    await node.engines.eventually('stream.interrupted', 3);
    const started = (await node.engines.events()).filter((event) => event.type === 'stream.started').map((event) => event.data);
    expect(started.map(({ streamId, endpoint }) => `${streamId} ${endpoint}`).sort()).toEqual([
      'st-aaaaaaaa primary',
      'st-bbbbbbbb backup',
      'st-cccccccc primary',
    ]);
  });

  test('openssl, which checks the chain and the name, gets TLS 1.3', async () => {
    const files = certificates().write();
    const node = await start(files);
    const check = ['-verify_return_error', '-verify_hostname', 'localhost', '-CAfile', files.certPath];
    const client = spawn('openssl', ['s_client', '-connect', `127.0.0.1:${node.ports.rtmpsPort}`, ...check], { stdio: ['pipe', 'pipe', 'pipe'] });
    let output = '';
    client.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    for (let i = 0; i < 500 && !output.includes('Verify return code'); i++) await pause(10);
    client.kill();
    expect(output).toContain('TLSv1.3');
    expect(output).toContain('Verify return code: 0 (ok)');
  });

  test('TLS 1.2 is refused and the operator told how to allow it, and taken where the setting says so', async () => {
    const files = certificates().write();
    const strict = await start(files);
    await expect(secure(strict.ports.rtmpsPort, files, { maxVersion: 'TLSv1.2' })).rejects.toThrow();
    const { reason, detail } = (await strict.engines.eventually('stream.publish-rejected')).data;
    expect([reason, detail]).toEqual(['protocol-error', expect.stringContaining('RTMPS_TLS_MIN to 1.2')]);
    const lenient = await start(files, 'TLSv1.2');
    const socket = await secure(lenient.ports.rtmpsPort, files, { maxVersion: 'TLSv1.2' });
    expect(socket.getProtocol()).toBe('TLSv1.2');
    socket.destroy();
  });

  test('plain RTMP on the encrypted port is told apart, and its place is free again', async () => {
    const node = await start(certificates().write());
    const plain = connectPlain(node.ports.rtmpsPort ?? 0, '127.0.0.1');
    plain.write(Uint8Array.of(3, ...new Uint8Array(1536)));
    plain.on('error', () => undefined);
    await once(plain, 'close');
    expect((await node.engines.eventually('stream.publish-rejected')).data.detail).toContain('does not speak TLS');
    const key = await node.createStream('st-aaaaaaaa');
    expect(await publish(`rtmps://127.0.0.1:${node.ports.rtmpsPort}/live/${key}`, 1).ended).toMatchObject({ code: 0 });
  });

  test('a new certificate is taken over, and the session that is there goes on', async () => {
    const files = certificates().write('localhost');
    const node = await start(files);
    const tool = publish(`rtmps://127.0.0.1:${node.ports.rtmpsPort}/live/${await node.createStream('st-aaaaaaaa')}`);
    await node.engines.eventually('stream.started');
    files.write('other.example');
    let name: unknown;
    for (let i = 0; i < 200 && name !== 'other.example'; i++) {
      const socket = await secure(node.ports.rtmpsPort, files, { rejectUnauthorized: false });
      name = nameOf(socket);
      socket.destroy();
      await pause(50);
    }
    expect(name).toBe('other.example');
    expect(tool.child.exitCode).toBeNull();
    expect((await node.state('st-aaaaaaaa')).status).toBe('live');
    expect(node.ingest.registry.live[0]?.connection.lastMediaAt).toBeGreaterThan(Date.now() - 2_000);
  });
});

describe('the certificate', () => {
  const logged: string[] = [];

  async function logger(): Promise<Logger> {
    const one = await createLogger({ name: 'ingest', node: 'node-1', logLevel: 'error', logFormat: 'json' });
    one.error = ((first: unknown, second?: string) => logged.push(second ?? String(first))) as Logger['error'];
    return one;
  }

  afterEach(() => void logged.splice(0));

  test.each<[string, (files: Certificates) => void, string]>([
    ['is missing', (files) => (files.remove(), undefined), 'tls.crt cannot be read (ENOENT)'],
    ['is none', (files) => writeFileSync(files.certPath, 'hello'), 'is no certificate in PEM'],
    ['has a key that is none', (files) => writeFileSync(files.keyPath, 'hello'), 'is no private key in PEM'],
    ['has the key of another', (files) => files.make(`${files.folder}/x.crt`, files.keyPath, 'x'), 'is not the one of the first certificate'],
  ])('that %s is refused at start with a sentence', async (_name, spoil, message) => {
    const files = certificates().write();
    spoil(files);
    const opened = CertificateKeeper.open(files, { clock: new SystemClock(), logger: await logger() });
    await expect(opened).rejects.toMatchObject({ code: 'CERTIFICATE_INVALID', retryable: false, message: expect.stringContaining(message) });
  });

  test('that has expired is served and cried about; one that comes expired is not taken', async () => {
    const files = certificates().write();
    const clock = new ManualClock(Date.now() + 40 * 86_400_000);
    const keeper = await CertificateKeeper.open(files, { clock, logger: await logger() });
    expect(logged).toEqual([expect.stringContaining('expired on')]);
    expect(keeper.secondsLeft(clock.now())).toBeLessThan(0);
    const before = keeper.identity;
    files.write('late.example');
    await keeper.look();
    await keeper.look();
    expect(keeper.identity).toBe(before);
    expect(logged).toHaveLength(2);
  });

  test('that comes broken leaves the old one in use until it is mended; no file is read while it changes', async () => {
    const files = certificates().write();
    const keeper = await CertificateKeeper.open(files, { clock: new SystemClock(), logger: await logger() });
    const taken: string[] = [];
    keeper.onChange(({ cert }) => taken.push(cert));
    files.make(`${files.folder}/x.crt`, files.keyPath, 'x');
    await keeper.look();
    expect(logged).toEqual([]);
    await keeper.look();
    await keeper.look();
    expect(logged).toEqual(['the new RTMPS certificate cannot be used; the old one stays']);
    files.write('new.example');
    await keeper.look();
    await keeper.look();
    expect(taken).toEqual([readFileSync(files.certPath, 'utf8')]);
  });
});
