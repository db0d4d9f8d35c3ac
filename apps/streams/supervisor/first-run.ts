import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ApiFailure, ApiClient } from '../client/api-client.ts';
import type { IssuedKey, StartedStream } from '../client/api.types.ts';
import { adminKeyFile, readAdminKey, writeSecret } from '../client/key-file.ts';
import type { StreamsSettings } from '../streams.config.ts';
import { PlainFailure } from '../streams.errors.ts';

/** A first stream waits for its first publisher, and between publishers, as long as a stream may. */
const firstStreamGraceSeconds = 86_400;
export const signInSeconds = 12 * 3600;

export interface Welcome {
  /** On the first start only: nothing but its hash is kept on the server. */
  readonly adminKey: string | undefined;
  readonly firstStream: StartedStream | undefined;
  /** A key for the link that signs a browser in. */
  readonly signInKey: string;
  readonly api: ApiClient;
}

/** Makes the admin key and a first stream where there are none yet, and a key for the sign-in link. */
export async function welcome(settings: StreamsSettings, environment: Readonly<Record<string, string | undefined>>): Promise<Welcome> {
  const known = await usableKey(settings);
  const adminKey = known ?? (await mintAdminKey(settings, environment));
  const api = clientOf(settings, adminKey);
  const signIn = await api.call<IssuedKey>('POST', '/api/v1/keys', {
    name: 'sign-in link',
    scopes: ['admin', 'operate', 'publish', 'view'],
    ttlSeconds: signInSeconds,
  });
  const firstStream = known === undefined ? await startStream(api, 'My stream') : undefined;
  return { adminKey: known === undefined ? adminKey : undefined, firstStream, signInKey: signIn.key, api };
}

export function startStream(api: ApiClient, name: string): Promise<StartedStream> {
  return api.call<StartedStream>('POST', '/api/v1/stream/start', { name, graceSeconds: firstStreamGraceSeconds });
}

function clientOf(settings: StreamsSettings, key: string): ApiClient {
  return new ApiClient({ url: `http://127.0.0.1:${settings.ports.gateway}`, key });
}

/** The tables of a database that was lost are made and filled from the log while the gateway answers already. */
const patience = { unavailableMs: 60_000, unknownMs: 15_000, againMs: 250 };

/** The key on disk, unless the database does not know it (any more). */
async function usableKey(settings: StreamsSettings): Promise<string | undefined> {
  const key = readAdminKey(settings.dataDir);
  if (key === undefined) return undefined;
  const begunMs = Date.now();
  for (let wasUnavailable = false; ; await sleep(patience.againMs)) {
    try {
      await clientOf(settings, key).call('GET', '/api/v1/keys?limit=1');
      return key;
    } catch (error) {
      const status = error instanceof ApiFailure ? error.status : undefined;
      const waitedMs = Date.now() - begunMs;
      wasUnavailable ||= status === 503;
      if (status === 401 && (!wasUnavailable || waitedMs > patience.unknownMs)) return undefined;
      if ((status !== 401 && status !== 503) || waitedMs > patience.unavailableMs) throw error;
    }
  }
}

/** Nobody has a key yet, so the first one is made beside the API, by a program that needs the database. */
async function mintAdminKey(settings: StreamsSettings, environment: Readonly<Record<string, string | undefined>>): Promise<string> {
  const entry = join(settings.root, 'dist/apps/gateway/mint-key.main.js');
  const output = await run(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', entry, '--name', 'admin', '--scopes', 'admin,operate,publish,view,edge'],
    environment,
  );
  const key = /\bsk_k-[a-z0-9]+_[A-Za-z0-9]+\b/.exec(output)?.[0];
  if (key === undefined) throw new PlainFailure(`The admin key could not be made: ${output.trim().slice(-400)}`);
  writeSecret(adminKeyFile(settings.dataDir), key);
  return key;
}

function run(command: string, args: readonly string[], env: Readonly<Record<string, string | undefined>>): Promise<string> {
  return new Promise((resolve, reject) => {
    // Its standard input is no supervisor's pipe.
    const child = spawn(command, args, { env: { ...env, STREAMS_SUPERVISED: '' }, stdio: ['ignore', 'pipe', 'pipe'], timeout: 30_000 });
    let output = '';
    const collect = (chunk: Buffer): void => {
      output = (output + chunk.toString()).slice(-64_000);
    };
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    child.on('error', reject);
    child.on('close', () => resolve(output));
  });
}
