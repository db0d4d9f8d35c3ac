import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { runVariable } from '../machine/run-folder.ts';
import type { StreamsSettings } from '../streams.config.ts';
import { watchPortOf } from '../machine/watch-ports.ts';
import type { Program } from './child.ts';

export type AppName = 'postgres' | 'projector' | 'gateway' | 'ingest' | 'media' | 'edge' | 'steering' | 'demo';

/** The compiled entry of each app, below dist/. */
const entries: Readonly<Record<AppName, string>> = {
  postgres: 'libs/adapters/embedded-postgres/guard.main.js',
  projector: 'apps/projector/main.js',
  gateway: 'apps/gateway/main.js',
  ingest: 'apps/ingest/main.js',
  media: 'apps/media/main.js',
  edge: 'apps/edge/main.js',
  steering: 'apps/steering/main.js',
  demo: 'apps/streams/demo/demo.main.js',
};

/**
 * What an app asks of Node. The projector makes millions of objects that die young: with room for 64 MB of them (16 by
 * default) fewer live long enough to be moved, which is worth a tenth of its events per second. The ingest makes a few for
 * each message, and media lives outside of the heap: with room for 2 MB it takes half of the memory, and no more time; collecting them is too little work to wake other threads for.
 */
export const nodeFlags: Partial<Readonly<Record<AppName, readonly string[]>>> = {
  projector: ['--max-semi-space-size=64'],
  ingest: ['--max-semi-space-size=2', '--no-parallel-scavenge'],
};

export function entryOf(settings: StreamsSettings, name: AppName): string {
  return join(settings.root, 'dist', entries[name]);
}

/** On one machine every app can be watched, from this machine alone unless METRICS_HOST says otherwise. */
export function watchEnvironmentOf(settings: StreamsSettings, name: AppName): Record<string, string> {
  const port = watchPortOf(settings, name);
  return port === undefined ? {} : { METRICS_PORT: String(port) };
}

/** Requests that Bun's fetch has under way at once, 256 by default: each playlist and part that viewers wait for is one. */
const bunRequests = 'BUN_CONFIG_MAX_HTTP_REQUESTS';
const bunRequestsMax = '8192';

const ownEdgeSecret = randomBytes(24).toString('base64url');

/** The environment of an app: what the supervisor was started with, and every shared setting spelled out. */
export function environmentOf(settings: StreamsSettings, run: string, databaseUrl: string | undefined): Record<string, string | undefined> {
  const { ports, environment } = settings;
  return {
    ...environment,
    STREAMS_DATA_DIR: settings.dataDir,
    STREAMS_NODE: settings.node,
    STREAMS_HOST: settings.host,
    STREAMS_PUBLIC_HOST: settings.publicHost,
    STREAMS_SUPERVISED: '1',
    [runVariable]: run,
    LOG_FORMAT: 'json',
    GATEWAY_PORT: String(ports.gateway),
    GRPC_PORT: String(ports.grpc),
    EDGE_PORT: String(ports.edge),
    RTMP_PORT: String(ports.rtmp),
    RTMP_BACKUP_PORT: String(ports.rtmpBackup),
    RELAY_PORT: String(ports.relay),
    // Of this process alone: all apps of one machine are its own.
    EDGE_SECRET: environment['EDGE_SECRET'] || ownEdgeSecret,
    EDGE_ORIGIN_URL: environment['EDGE_ORIGIN_URL'] || `http://127.0.0.1:${ports.gateway}`,
    ...(databaseUrl === undefined ? {} : { DATABASE_URL: databaseUrl }),
  };
}

/** Node 24 runs everything but the edge, which runs on Bun; both are the project's own. */
export function programOf(settings: StreamsSettings, name: AppName, env: Program['env']): Program {
  const entry = entryOf(settings, name);
  const common = { name, env, cwd: settings.root };
  if (name === 'edge')
    return { ...common, env: { [bunRequests]: bunRequestsMax, ...env }, command: join(settings.root, 'node_modules/bun/bin/bun.exe'), args: [entry] };
  return { ...common, command: process.execPath, args: ['--disable-warning=ExperimentalWarning', ...(nodeFlags[name] ?? []), entry] };
}
