/** @needs openssl */
import { execFile, execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer, type Server } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

/** A certificate that is its own authority, for some names. */
function certificate(folder: string, name: string, alternatives: string): { readonly cert: string; readonly key: string } {
  const files = ['-keyout', `${name}.key`, '-out', `${name}.pem`];
  const about = ['-days', '2', '-subj', `/CN=${name}`, '-addext', `subjectAltName=${alternatives}`];
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', ...files, ...about], {
    cwd: folder,
    stdio: 'pipe',
  });
  const read = (file: string): string => readFileSync(join(folder, file), 'utf8');
  return { cert: read(`${name}.pem`), key: read(`${name}.key`) };
}

interface Broker {
  readonly server: Server;
  readonly port: number;
  readonly cert: string;
  /** The names that clients asked for. */
  readonly asked: string[];
}

async function listen(pair: { readonly cert: string; readonly key: string }): Promise<Broker> {
  const asked: string[] = [];
  // Called before a client can believe that it is connected; not for one that sends no name.
  const SNICallback = (name: string, done: (error: Error | null) => void): void => {
    asked.push(name);
    done(null);
  };
  const server = createServer({ ...pair, SNICallback }, (socket) => socket.on('error', () => undefined));
  server.on('tlsClientError', () => undefined);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, port: (server.address() as AddressInfo).port, cert: pair.cert, asked };
}

describe('connections over TLS', () => {
  const folder = mkdtempSync(join(tmpdir(), 'kafka-tls-'));
  let ours: Broker;
  let other: Broker;

  beforeAll(async () => {
    ours = await listen(certificate(folder, 'ours', 'IP:127.0.0.1,DNS:localhost'));
    other = await listen(certificate(folder, 'other', 'IP:192.0.2.1,DNS:broker.example'));
  });
  afterAll(() => {
    for (const { server } of [ours, other]) server.close();
    rmSync(folder, { recursive: true, force: true });
  });

  /** What a process says that connects: "open", or why not. */
  async function connect(runtime: string, { port, cert }: Broker, host: string): Promise<{ readonly stdout: string; readonly stderr: string }> {
    const library = fileURLToPath(new URL('./connections.js', import.meta.url));
    const program = `
      const { Connections } = await import(${JSON.stringify(library)});
      const connections = new Connections(${JSON.stringify({ brokers: [], clientId: 'c', tls: { ca: cert } })});
      const reasons = (error) => error === undefined ? [] : [error.code, error.message, ...reasons(error.cause), ...(error.errors ?? []).flatMap(reasons)];
      console.log(await connections.get({ host: '${host}', port: ${port} }, 'use').then(() => 'open', (error) => reasons(error).join(' ')));
      process.exit(0);`;
    const bin = fileURLToPath(new URL(`../../../../../node_modules/.bin/${runtime}`, import.meta.url));
    return promisify(execFile)(bin, ['--eval', program], { timeout: 30_000, killSignal: 'SIGKILL' });
  }

  describe.each(['node', 'bun'])('on %s', (runtime) => {
    test.each([
      ['localhost', ['localhost']],
      ['127.0.0.1', []],
    ])('to %s ask for %j', async (host, names) => {
      const before = ours.asked.length;
      const { stdout, stderr } = await connect(runtime, ours, host);
      expect([stdout.trim(), stderr.trim(), ours.asked.slice(before)]).toEqual(['open', '', names]);
    });

    test.each(['localhost', '127.0.0.1'])('to %s are refused where the certificate is of somebody else', async (host) => {
      const { stdout } = await connect(runtime, other, host);
      expect(stdout).toMatch(/ALTNAME|altname/);
    });
  });
});
