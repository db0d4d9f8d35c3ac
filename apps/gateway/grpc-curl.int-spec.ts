/** @needs grpcurl openssl */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { execFile, execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { Client, credentials, Metadata, status, type ServiceError } from '@grpc/grpc-js';
import { EventService } from './grpc/generated/streams/v1/event_service_pb.ts';
import { QueryService } from './grpc/generated/streams/v1/query_service_pb.ts';
import { WatchService } from './grpc/generated/streams/v1/watch_service_pb.ts';
import { startGateway, World, type RunningGateway } from './testing/gateway.fixture.ts';

let folder: string;
let world: World;
let gateway: RunningGateway;
let authorization: string;
let program: string;

/** An authority of its own, and a certificate of it for 127.0.0.1. */
function certify(name: string): void {
  const openssl = (...args: string[]): void => void execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });
  openssl('req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', `${name}-ca.key`, '-out', `${name}-ca.pem`, '-days', '2', '-subj', `/CN=${name}`);
  openssl('req', '-newkey', 'rsa:2048', '-nodes', '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', '/CN=gateway');
  const signer = ['-CA', `${name}-ca.pem`, '-CAkey', `${name}-ca.key`, '-CAcreateserial'];
  openssl('x509', '-req', '-in', `${name}.csr`, ...signer, '-out', `${name}.pem`, '-days', '2', '-extfile', 'san.ext');
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'streams-grpc-tls-'));
  await writeFile(join(folder, 'san.ext'), 'subjectAltName = IP:127.0.0.1\n');
  certify('ours');
  certify('other');
  const script = join(import.meta.dirname, '../../../scripts/system-packages.mjs');
  program = ((await import(pathToFileURL(script).href)) as { findGrpcurl(): string }).findGrpcurl();
  world = await World.open();
  ({ authorization } = await world.key(['admin']));
  await world.settle();
  const grpcTls = { certPath: join(folder, 'ours.pem'), keyPath: join(folder, 'ours.key') };
  gateway = await startGateway(world.engines, world.consolePath, {}, 0, { grpcTls });
});

afterAll(async () => {
  await gateway.stop();
  await world.close();
  await rm(folder, { recursive: true });
});

interface Ran {
  readonly stdout: string;
  readonly stderr: string;
}

/** What grpcurl prints, however it ends. */
async function curl(...args: string[]): Promise<Ran> {
  return promisify(execFile)(program, args).catch((failed: Ran) => failed);
}

const secure = (...args: string[]): Promise<Ran> => curl('-cacert', join(folder, 'ours-ca.pem'), '-H', `authorization: ${authorization}`, ...args);

describe('grpcurl over TLS, with an authority of its own', () => {
  const services = [EventService, QueryService, WatchService];

  test('lists and describes every service and method', async () => {
    expect((await secure(gateway.grpc, 'list')).stdout.trim().split('\n')).toEqual(
      expect.arrayContaining([...services.map(({ typeName }) => typeName), 'grpc.health.v1.Health']),
    );
    for (const { typeName, methods } of services) {
      const listed = (await secure(gateway.grpc, 'list', typeName)).stdout.trim().split('\n');
      expect(listed.toSorted()).toEqual(methods.map(({ name }) => `${typeName}.${name}`).toSorted());
      const described = (await secure(gateway.grpc, 'describe', typeName)).stdout;
      for (const { name } of methods) expect(described).toContain(`rpc ${name} (`);
    }
    expect((await secure(gateway.grpc, 'describe', 'streams.v1.Stream')).stdout).toContain('repeated .streams.v1.Rung ladder');
  });

  /** What each method that is not named is called with: nothing. */
  const requests: Readonly<Record<string, object>> = {
    Subscribe: { at: 'START_AT_BEGINNING' },
    SubscribeWithCredit: { begin: { at: 'START_AT_BEGINNING' } },
    Watch: { where: { api_key: {} } },
  };
  /** They end when their caller goes. */
  const endless = new Set(['Subscribe', 'SubscribeWithCredit', 'Watch']);

  test.each(services.flatMap(({ typeName, methods }) => methods.map(({ name }) => [typeName, name] as const)))('calls %s/%s', async (service, name) => {
    const data = JSON.stringify(requests[name] ?? {});
    const limit = endless.has(name) ? ['-max-time', '2'] : [];
    const { stdout, stderr } = await secure(...limit, '-d', data, gateway.grpc, `${service}/${name}`);
    if (endless.has(name)) {
      expect(stdout).toContain('"token"');
      expect(stderr).toContain('DeadlineExceeded');
    } else if (name.startsWith('Get') && name !== 'GetCatalogue') {
      // A key is missing, and the details of the error can be read.
      expect(stderr).toContain('InvalidArgument');
      expect(stderr).toContain('"reason": "INVALID_REQUEST"');
    } else {
      expect(stderr).toBe('');
    }
  });

  test('asks for the health, without our files', async () => {
    expect(JSON.parse((await secure('-d', '{"service": "streams.v1.EventService"}', gateway.grpc, 'grpc.health.v1.Health/Check')).stdout)).toEqual({
      status: 'SERVING',
    });
  });

  test('does not talk to a server whose authority it does not know, nor without TLS', async () => {
    const { stderr } = await curl('-cacert', join(folder, 'other-ca.pem'), '-connect-timeout', '2', gateway.grpc, 'list');
    expect(stderr).toContain('certificate signed by unknown authority');
    expect((await curl('-plaintext', '-connect-timeout', '2', gateway.grpc, 'list')).stdout).toBe('');
  });
});

/** A call of the health service, whose answer is not looked at. */
function health(authority: Buffer): Promise<ServiceError | null> {
  const client = new Client(gateway.grpc, credentials.createSsl(authority), { 'grpc.use_local_subchannel_pool': 1 });
  const same = (bytes: Buffer): Buffer => bytes;
  const options = { deadline: Date.now() + 5_000 };
  return new Promise((resolve) => {
    client.makeUnaryRequest('/grpc.health.v1.Health/Check', same, same, Buffer.alloc(0), new Metadata(), options, (error) => {
      client.close();
      resolve(error);
    });
  });
}

test('grpc-js the same: with our authority an answer, with another none', async () => {
  expect(await health(await readFile(join(folder, 'ours-ca.pem')))).toBeNull();
  expect(await health(await readFile(join(folder, 'other-ca.pem')))).toMatchObject({
    code: status.UNAVAILABLE,
    details: expect.stringContaining('certificate'),
  });
});
