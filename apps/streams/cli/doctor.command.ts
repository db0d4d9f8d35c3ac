import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { access, constants, mkdtemp, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ApiClient, ApiFailure } from '../client/api-client.ts';
import type { CdnHealth, LedgerView, ProjectionView } from '../client/api.types.ts';
import { readAdminKey } from '../client/key-file.ts';
import { tryEngines } from '../doctor/engine-trial.ts';
import type { Finding } from '../doctor/finding.ts';
import { StreamTrial } from '../doctor/stream-trial.ts';
import { makeFolder } from '../machine/data-folder.ts';
import { freeBytes, freeBytesLow, freeBytesMin } from '../machine/disk-space.ts';
import { engineFacts } from '../machine/engine-facts.ts';
import { checkEventLog } from '../machine/event-log-file.ts';
import { checkFfmpeg, tryEncode } from '../machine/ffmpeg.ts';
import { holderOf, portProblem } from '../machine/ports.ts';
import { askWatched } from '../machine/watch-ports.ts';
import { portVariables, readClientSettings, type Ports, type StreamsSettings } from '../streams.config.ts';
import { messageOf } from '../streams.errors.ts';
import { projectionNotes } from './replay-text.ts';
import { reactorNotes, type ReactorsView } from './effect.commands.ts';
import { keptLines, type KeyCounts } from './subject.commands.ts';

type Check = (settings: StreamsSettings) => Promise<Omit<Finding, 'check'>>;

const ok = (message: string): Omit<Finding, 'check'> => ({ status: 'ok', message });
const warning = (message: string): Omit<Finding, 'check'> => ({ status: 'warning', message });
const problem = (message: string): Omit<Finding, 'check'> => ({ status: 'problem', message });

const notChecked = (message: string): Omit<Finding, 'check'> => ({ status: 'not-checked', message: `not checked: ${message}` });

const gigabyte = 1024 ** 3;

/** What each line of the report finds out. */
const checks: Readonly<Record<string, Check>> = {
  node: async (settings) => {
    const wanted = (JSON.parse(readFileSync(join(settings.root, 'package.json'), 'utf8')) as { dependencies: { node: string } }).dependencies.node;
    return process.version === `v${wanted}` ? ok(process.version) : warning(`${process.version} runs this; the project's own is v${wanted}`);
  },
  bun: async (settings) => {
    const path = join(settings.root, 'node_modules/bun/bin/bun.exe');
    return ok(execFileSync(path, ['--version'], { encoding: 'utf8', timeout: 10_000 }).trim());
  },
  ffmpeg: async (settings) => ok(await checkFfmpeg(settings.ffmpegPath)),
  encoding: async (settings) => {
    const begun = performance.now();
    const wrong = await tryEncode(settings.ffmpegPath);
    return wrong === undefined
      ? ok(`H.264 and AAC in ${Math.round(performance.now() - begun)} ms for half a second`)
      : problem(`ffmpeg cannot encode H.264 with libx264 and AAC: ${wrong}`);
  },
  disk: async (settings) => {
    const free = await freeBytes(existingParent(settings.dataDir));
    const text = `${(free / gigabyte).toFixed(1)} GB free for ${settings.dataDir}`;
    return free < freeBytesMin ? problem(text) : free < freeBytesLow ? warning(text) : ok(text);
  },
  'data folder': async (settings) => {
    const parent = existingParent(settings.dataDir);
    await access(parent, constants.R_OK | constants.W_OK);
    try {
      // Some file systems say that they may be written to, and take no folder.
      await rmdir(await mkdtemp(join(parent, '.streams-doctor-')));
    } catch (error) {
      return problem(`no folder can be made in ${parent}: ${messageOf(error)}`);
    }
    if (!existsSync(settings.dataDir)) return ok(`${settings.dataDir} will be made at the first start`);
    makeFolder(settings.runPath);
    await checkEventLog(settings);
    return ok(settings.dataDir);
  },
  ports: async (settings) => {
    const names = Object.keys(settings.ports) as Array<keyof Ports>;
    const taken = (
      await Promise.all(names.map(async (name) => ((await portProblem(settings.ports[name], settings.host)) === undefined ? undefined : name)))
    ).filter((name) => name !== undefined);
    if (taken.length === 0) return ok(names.map((name) => settings.ports[name]).join(', '));
    if (await gatewayAnswers(settings)) return ok('in use by Streams itself');
    return problem(
      taken
        .map((name) => `${settings.ports[name]} is taken by ${holderOf(settings.ports[name]) ?? 'another program'} (${portVariables[name]} moves it)`)
        .join('; '),
    );
  },
  build: async (settings) =>
    existsSync(join(settings.root, 'dist/apps/gateway/main.js')) ? ok('complete') : problem('the project is not built: run "npm run build"'),
  engines: async (settings) => {
    const answers = await tryEngines(settings);
    const chosen = engineFacts(settings).map(({ serves, engine }) => `${serves.toLowerCase()}: ${engine}`);
    const failed = answers.filter(({ right }) => !right);
    if (failed.length > 0) return problem(failed.map(({ message, setting }) => `${message} (${setting})`).join('; '));
    return ok([...chosen, ...answers.map(({ message, setting }) => `${setting} answers: ${message}`)].join('; '));
  },
  metrics: async (settings) => {
    if (settings.metricsPort === 0) return ok('at ports that the system chose: LOG_LEVEL=debug shows them');
    const watched = (await askWatched(settings)).filter(({ health }) => health !== undefined);
    if (watched.length === 0) return ok('nobody answers: not running, or METRICS_PORT was taken');
    const sick = watched.filter(({ health }) => health?.status !== 'ok');
    if (sick.length > 0) return warning(sick.map(({ app, health }) => `${app}: ${health?.problems.join(', ')}`).join('; '));
    const remarked = watched.flatMap(({ app, health }) => (health?.remarks ?? []).map((remark) => `${app}: ${remark}`));
    if (remarked.length > 0) return warning(remarked.join('; '));
    return ok(watched.map(({ app, url }) => `${app} ${url}/metrics`).join(', '));
  },
  platform: async (settings) => {
    if (!(await gatewayAnswers(settings))) return ok('not running');
    const health = await localApi(settings).call<CdnHealth>('GET', '/api/v1/cdn/health');
    const up = health.edges.filter(({ mirroredFrom, status }) => mirroredFrom === null && status === 'up').length;
    return health.status === 'up' ? ok(`running; ${up} edge(s) up`) : warning(`running, but its edges are ${health.status}`);
  },
  'read models': async (settings) => {
    if (!(await gatewayAnswers(settings))) return ok('not running');
    const { items } = await localApi(settings).call<{ readonly items: readonly ProjectionView[] }>('GET', '/api/v1/projections');
    const notes = items.flatMap(projectionNotes);
    return notes.length === 0 ? ok(`${items.length}, none of which stands at events that are gone`) : warning(notes.join(' '));
  },
  reactors: async (settings) => {
    if (!(await gatewayAnswers(settings))) return ok('not running');
    const { items } = await localApi(settings).call<ReactorsView>('GET', '/api/v1/reactors');
    const notes = reactorNotes(items);
    return notes.length === 0 ? ok(`${items.length}, none of which stands at events that are gone`) : warning(notes.join(' '));
  },
  'audit ledger': async (settings) => {
    if (!(await gatewayAnswers(settings))) return ok('not running');
    const { trees, trouble } = await localApi(settings).call<LedgerView>('GET', '/api/v1/ledger');
    return trouble === null ? ok(`${trees.length} trees, all of which go on`) : warning(trouble.message);
  },
  regions: async (settings) => {
    if (!(await gatewayAnswers(settings))) return ok('not running');
    const { kept } = await localApi(settings).call<KeyCounts>('GET', '/api/v1/subjects/keys');
    return kept.length === 0 ? ok('no erasure of another region waits') : warning(keptLines(kept).join(' '));
  },
};

function localApi(settings: StreamsSettings): ApiClient {
  return new ApiClient({ url: gatewayUrl(settings), key: readClientSettings().key ?? readAdminKey(settings.dataDir), timeoutMs: 3000 });
}

function gatewayUrl(settings: StreamsSettings): string {
  return `http://127.0.0.1:${settings.ports.gateway}`;
}

async function gatewayAnswers(settings: StreamsSettings): Promise<boolean> {
  const response = await fetch(`${gatewayUrl(settings)}/api/v1/streams`, { signal: AbortSignal.timeout(2000) }).catch(() => undefined);
  return response?.headers.get('content-type')?.includes('problem+json') ?? false;
}

function existingParent(path: string): string {
  return existsSync(path) ? path : existingParent(dirname(path));
}

/** That this key may not see something says nothing of what is there. */
function isForbidden(error: unknown): boolean {
  return error instanceof ApiFailure && error.status === 403;
}

/** Looks at this machine from every side that matters; a check that throws is a problem with its message. */
export async function examine(settings: StreamsSettings): Promise<readonly Finding[]> {
  return Promise.all(
    Object.entries(checks).map(async ([check, run]) => {
      try {
        return { check, ...(await run(settings)) };
      } catch (error) {
        return { check, ...(isForbidden(error) ? notChecked(messageOf(error)) : problem(messageOf(error))) };
      }
    }),
  );
}

/** The same, and then a short stream that is published and played for real on the platform that runs. */
export async function examineWithStream(settings: StreamsSettings, api: ApiClient, stopping: AbortSignal): Promise<readonly Finding[]> {
  const findings = await examine(settings);
  return [...findings, ...(await new StreamTrial({ api, program: settings.ffmpegPath }).run(stopping))];
}
