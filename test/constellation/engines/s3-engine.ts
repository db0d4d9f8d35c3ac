import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { hasDocker, startContainer } from './container.ts';
import type { LocalEngine } from './engine.ts';
import { freePort } from '../free-ports.ts';
import { ServerProcess } from './server-process.ts';

const credentials = { ROOT_ACCESS_KEY: 'constellation', ROOT_SECRET_KEY: 'constellation-secret' };
const image = 'versity/versitygw:v1.0.20';

/** An S3 server with a bucket name that nobody has used. */
export interface S3Engine extends LocalEngine {
  readonly endpoint: string;
  readonly bucket: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** An S3 server: from S3_ENDPOINT, else versitygw out of Docker, else versitygw as Go has built it (scripts/system-packages.mjs). */
export async function startS3(): Promise<S3Engine> {
  const { S3_ENDPOINT: endpoint, S3_ACCESS_KEY_ID: id = '', S3_SECRET_ACCESS_KEY: secret = '' } = process.env;
  if (endpoint) {
    const restart = (): Promise<void> => Promise.reject(new Error('S3_ENDPOINT names a server that is not ours.'));
    return engineOf(endpoint, id, secret, { stop: () => Promise.resolve(), restart });
  }
  const { ROOT_ACCESS_KEY, ROOT_SECRET_KEY } = credentials;
  if (hasDocker()) {
    const container = await startContainer({ image, port: 7070, env: credentials, command: ['--health', '/health', 'posix', '/tmp'] });
    return engineOf(`http://${container.host}:${container.port}`, ROOT_ACCESS_KEY, ROOT_SECRET_KEY, container);
  }
  return startVersitygw();
}

/** Where scripts/system-packages.mjs, which is not compiled, finds or has built it. */
async function findVersitygw(): Promise<string | undefined> {
  const script = join(import.meta.dirname, '../../../../scripts/system-packages.mjs');
  return ((await import(pathToFileURL(script).href)) as { findVersitygw(): string | undefined }).findVersitygw();
}

async function startVersitygw(): Promise<S3Engine> {
  const command = await findVersitygw();
  if (command === undefined) throw new Error('There is no S3 server: run "node scripts/system-packages.mjs --for test --install", or set S3_ENDPOINT.');
  const folder = await mkdtemp(join(tmpdir(), 'constellation-s3-'));
  const [objects, port] = [join(folder, 'objects'), await freePort()];
  await mkdir(objects);
  const server = await ServerProcess.start({ command, args: ['--port', `127.0.0.1:${port}`, '--quiet', 'posix', objects], env: credentials, port });
  return engineOf(`http://127.0.0.1:${port}`, credentials.ROOT_ACCESS_KEY, credentials.ROOT_SECRET_KEY, {
    restart: (downMs) => server.restart(downMs),
    stop: async () => {
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  });
}

function engineOf(endpoint: string, accessKeyId: string, secretAccessKey: string, server: Pick<LocalEngine, 'stop' | 'restart'>): S3Engine {
  const bucket = `streams-${randomUUID()}`;
  return {
    url: endpoint,
    endpoint,
    bucket,
    accessKeyId,
    secretAccessKey,
    env: { S3_ENDPOINT: endpoint, S3_BUCKET: bucket, S3_ACCESS_KEY_ID: accessKeyId, S3_SECRET_ACCESS_KEY: secretAccessKey },
    stop: () => server.stop(),
    restart: (downMs) => server.restart(downMs),
  };
}
