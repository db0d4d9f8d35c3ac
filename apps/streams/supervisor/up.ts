import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readRtmpsSettings } from '#runtime';
import { renewDemoStream } from '../demo/demo-stream.ts';
import { adminKeyFile } from '../client/key-file.ts';
import type { StreamsSettings } from '../streams.config.ts';
import { engineFacts } from '../machine/engine-facts.ts';
import { banner, type BannerFacts } from './banner.ts';
import { welcome, type Welcome } from './first-run.ts';
import { LogView } from './log-view.ts';
import { runUntilAsked } from './run-until-asked.ts';
import { Supervisor } from './supervisor.ts';

export interface UpOptions {
  readonly demo: boolean;
}

/** The whole platform on this machine, in the foreground. Resolves to the exit code once everything has ended. */
export function up(settings: StreamsSettings, options: UpOptions): Promise<number> {
  const begun = performance.now();
  const view = viewOf(settings);
  const supervisor = new Supervisor({ settings, view });
  return runUntilAsked(supervisor, view, async () => {
    await supervisor.serving('gateway');
    const greeting = await welcome(settings, supervisor.environment);
    const demo = options.demo ? await startDemo(supervisor, settings, greeting) : undefined;
    await Promise.all((['projector', 'ingest', 'media', 'edge'] as const).map((name) => supervisor.serving(name)));
    announce(settings, view, factsOf(settings, greeting, demo, (performance.now() - begun) / 1000));
  });
}

/** Readable lines on a terminal, JSON elsewhere, unless one was asked for. */
function viewOf(settings: StreamsSettings): LogView {
  const isTerminal = Boolean(process.stdout.isTTY);
  const format = (settings.logFormatAsked ?? (isTerminal ? 'pretty' : 'json')) === 'json' ? 'json' : 'readable';
  return new LogView({ format, hasColours: isTerminal && process.stdout.hasColors(), write: (text) => void process.stdout.write(text) });
}

async function startDemo(supervisor: Supervisor, settings: StreamsSettings, { api }: Welcome): Promise<BannerFacts['demo'] & object> {
  const [stream] = await Promise.all([renewDemoStream(api, settings.dataDir), supervisor.serving('ingest')]);
  await supervisor.launch('demo', undefined, { DEMO_URL: `rtmp://127.0.0.1:${settings.ports.rtmp}/live/${stream.streamKey}` });
  return { name: stream.name, id: stream.id, playlistUrl: stream.playback.hls };
}

function versionOf(file: string): string {
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}

function factsOf(settings: StreamsSettings, greeting: Welcome, demo: BannerFacts['demo'], seconds: number): BannerFacts {
  const { publicHost, ports } = settings;
  const edge = `http://${publicHost}:${ports.edge}`;
  const stream = greeting.firstStream;
  const rtmps = readRtmpsSettings(settings.environment);
  return {
    version: versionOf(join(settings.root, 'package.json')),
    seconds,
    engines: engineFacts(settings),
    signInUrl: `${edge}/#key=${greeting.signInKey}`,
    apiUrl: `http://${publicHost}:${ports.gateway}/api/v1`,
    grpcAddress: `${publicHost}:${ports.grpc}`,
    docsUrl: `http://${publicHost}:${ports.gateway}/api/v1/docs`,
    ingestUrl: `rtmp://${publicHost}:${ports.rtmp}/live`,
    backupUrl: `rtmp://${publicHost}:${ports.rtmpBackup}/live`,
    secureUrl: rtmps && `rtmps://${publicHost}:${rtmps.port}/live`,
    demo,
    firstStream: stream === undefined ? undefined : { name: stream.name, id: stream.id, key: stream.streamKey },
    adminKey: greeting.adminKey,
    adminKeyFile: adminKeyFile(settings.dataDir),
  };
}

/** The banner is for people: on the terminal, or on standard error where standard output carries JSON lines. */
function announce(settings: StreamsSettings, view: LogView, facts: BannerFacts): void {
  const isTerminal = Boolean(process.stdout.isTTY);
  if (!isTerminal)
    view.say('info', 'everything is ready', {
      ready: true,
      urls: { console: facts.signInUrl.split('#')[0], api: facts.apiUrl, ingest: facts.ingestUrl, watch: facts.demo?.playlistUrl },
    });
  const stream = isTerminal ? process.stdout : process.stderr;
  stream.write(banner(facts, Boolean(stream.isTTY) && stream.hasColors()));
}
