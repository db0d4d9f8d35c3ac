import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { InvalidSetting, settingProblems, type Environment } from '#runtime';
import { guardConfig } from '#adapters/embedded-postgres';
import { readStreamsSettings, root, type StreamsSettings } from '../streams.config.ts';
import { exitCodes, PlainFailure } from '../streams.errors.ts';

/**
 * What of each app reads its settings: a compiled file below dist/apps, and its function. Loaded by path, as the apps
 * themselves are started by path: the supervisor is built without them.
 */
export const settingReaders: ReadonlyArray<readonly [file: string, name: string]> = [
  ['gateway/gateway.config.js', 'readGatewaySettings'],
  ['projector/projector.config.js', 'readProjectorSettings'],
  ['ingest/ingest.config.js', 'readIngestSettings'],
  ['media/media.config.js', 'readMediaSettings'],
  ['edge/edge.config.js', 'readEdgeSettings'],
  ['steering/steering.config.js', 'readSteeringSettings'],
];

type Read = (env: Environment) => unknown;

async function load(file: string, name: string): Promise<Read> {
  const module = (await import(pathToFileURL(join(root, 'dist/apps', file)).href)) as Record<string, Read | undefined>;
  const read = module[name];
  if (read === undefined) throw new Error(`${file} has no ${name}`);
  return read;
}

/** PostgreSQL's guard has no settings of ours to stand on: its complaint names the variable first. */
function readGuard(env: Environment): void {
  try {
    guardConfig(env);
  } catch {
    throw new InvalidSetting('POSTGRES_PORT', `must be a whole number from 1 to 65535, but is ${JSON.stringify(env['POSTGRES_PORT'])}`);
  }
}

/** Everything that is wrong with the settings of all apps, one per variable. */
async function problemsOf(env: Environment): Promise<readonly InvalidSetting[]> {
  // The supervisor brings a database where none is named.
  const ofApps = { ...env, DATABASE_URL: env['DATABASE_URL'] || 'postgresql://127.0.0.1/streams' };
  const readers = await Promise.all(settingReaders.map(([file, name]) => load(file, name)));
  const problems = [
    ...settingProblems(readStreamsSettings, env),
    ...settingProblems(readGuard, env),
    ...readers.flatMap((read) => settingProblems(read, ofApps)),
  ];
  return problems.filter(({ setting }, at) => problems.findIndex((one) => one.setting === setting) === at);
}

/**
 * The settings, when every app can use its own: nothing is started on a part of them.
 * @throws PlainFailure that tells everything that is wrong with them at once.
 */
export async function readCheckedSettings(env: Environment = process.env): Promise<StreamsSettings> {
  const problems = await problemsOf(env);
  if (problems.length === 0) return readStreamsSettings(env);
  const lines = problems.map(({ message }) => message);
  throw new PlainFailure(lines.length === 1 ? lines.join('') : [`${lines.length} settings are wrong:`, ...lines].join('\n  '), exitCodes.usage);
}
