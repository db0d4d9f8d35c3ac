import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { Lifecycle, createLogger, openTelemetry, readSharedSettings, type Telemetry } from '#runtime';

export const modes = ['off', 'metrics', '1 % traces', 'all traces'] as const;
export type Mode = (typeof modes)[number];

export interface WatchedMode {
  readonly mode: Mode;
  readonly telemetry: Telemetry;
  /** Of the events that it is given. */
  readonly sampledShare: number;
  close(): Promise<unknown>;
}

/** A collector that takes everything, in a thread of its own. */
const collector = `
  const { parentPort } = require('node:worker_threads');
  const server = require('node:http').createServer((request, response) => {
    request.resume().on('end', () => response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end());
  });
  server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port));
`;

let thread: Worker | undefined;

/** Telemetry as processes open it by their settings. With traces there are metrics as well, as in production. */
export async function openModes(): Promise<readonly WatchedMode[]> {
  thread = new Worker(collector, { eval: true });
  const [port] = (await once(thread, 'message')) as [number];
  const watched = { METRICS_PORT: '0' };
  const traces = (sampler: object): Record<string, string> => ({ ...watched, OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`, ...sampler });
  return Promise.all([
    open('off', 0.01, {}),
    open('metrics', 0.01, watched),
    open('1 % traces', 0.01, traces({})),
    open('all traces', 1, traces({ OTEL_TRACES_SAMPLER: 'parentbased_always_on' })),
  ]);
}

async function open(mode: Mode, sampledShare: number, env: Record<string, string>): Promise<WatchedMode> {
  const settings = readSharedSettings({ ...env, LOG_LEVEL: 'silent' });
  const logger = await createLogger({ name: 'bench', ...settings });
  const lifecycle = new Lifecycle({ logger, deadlineMs: 5000 });
  const telemetry = await openTelemetry({ app: 'projector', node: 'bench', settings: settings.telemetry, logger, lifecycle });
  return { mode, telemetry, sampledShare, close: () => lifecycle.stop() };
}

export async function closeAll(watched: readonly WatchedMode[]): Promise<void> {
  await Promise.all(watched.map((one) => one.close()));
  await thread?.terminate();
}
