import { pause } from '#runtime';
import type { ApiClient } from '../client/api-client.ts';
import type { Page, StartedStream, StreamSummary } from '../client/api.types.ts';
import { runShort } from '../machine/ffmpeg.ts';
import { messageOf, PlainFailure } from '../streams.errors.ts';
import type { Finding } from './finding.ts';
import { TrialPublisher } from './trial-publisher.ts';

export interface StreamTrialInit {
  readonly api: ApiClient;
  /** ffmpeg. */
  readonly program: string;
  /** How long each stage may take, ms. */
  readonly stageMsMax?: number;
}

const stages = ['stream', 'ingest', 'encode', 'play', 'nothing left'] as const;
type Stage = (typeof stages)[number];

const stageMsMaxDefault = 20_000;
const pollMs = 150;
const publishSeconds = 90;
const playedSeconds = 1;
const framesMin = 10;

/** What to look at when a stage does not come about. */
const remedies: Readonly<Record<Stage, string>> = {
  stream: 'See what the gateway and the projector log ("npm start" prints it).',
  ingest:
    'Is RTMP_PORT open from here, and STREAMS_PUBLIC_HOST a name of that machine? The ingest logs why it refuses; so do "streams events list --type stream.publish-rejected".',
  encode: 'Does a media process run, and has it room (MEDIA_STREAMS_MAX)? It logs what ffmpeg says; so does "streams events list --type encoding.ended".',
  play: 'Does the edge run, and is EDGE_PUBLIC_URL, or EDGE_PORT, where players reach it? It logs what it cannot fetch from the gateway.',
  'nothing left': 'Stop it by hand: "streams stream stop ID".',
};

/**
 * Publishes a short stream for real, in no list, and plays it through the edge as a viewer does; each stage tells its figure,
 * or what to do. The stream is stopped whatever happens.
 */
export class StreamTrial {
  readonly #init: StreamTrialInit;
  readonly #findings: Finding[] = [];
  #stream: StartedStream | undefined;
  #publisher: TrialPublisher | undefined;

  constructor(init: StreamTrialInit) {
    this.#init = init;
  }

  /** @param stopping ends it early, and cleans up */
  async run(stopping: AbortSignal): Promise<readonly Finding[]> {
    try {
      const work: Readonly<Record<Exclude<Stage, 'nothing left'>, () => Promise<string>>> = {
        stream: () => this.#create(),
        ingest: () => this.#ingest(stopping),
        encode: () => this.#encode(stopping),
        play: () => this.#play(),
      };
      for (const [stage, act] of Object.entries(work)) if (!(await this.#stage(stage as Stage, act))) break;
    } finally {
      await this.#publisher?.stop();
      if (this.#stream !== undefined) await this.#stage('nothing left', () => this.#leave());
    }
    return this.#findings;
  }

  async #stage(check: Stage, act: () => Promise<string>): Promise<boolean> {
    try {
      this.#findings.push({ check, status: 'ok', message: await act() });
      return true;
    } catch (error) {
      this.#findings.push({ check, status: 'problem', message: `${messageOf(error)} ${remedies[check]}` });
      return false;
    }
  }

  async #create(): Promise<string> {
    const settings = { ladder: [{ name: '144p', height: 144, videoBitrate: 150_000 }], segmentDurationSeconds: 1, graceSeconds: 0, dvrWindowSeconds: 60 };
    const begunAt = performance.now();
    this.#stream = await this.#init.api.call<StartedStream>('POST', '/api/v1/stream/start', { name: 'doctor', unlisted: true, ...settings });
    return `${this.#stream.id} made in ${since(begunAt)}, in no list`;
  }

  async #ingest(stopping: AbortSignal): Promise<string> {
    const { ingest, streamKey } = this.#known;
    const begunAt = performance.now();
    const publisher = new TrialPublisher(this.#init.program, `${ingest.primary}/${streamKey}`, publishSeconds);
    this.#publisher = publisher;
    await this.#until(`The publisher was not let in at ${ingest.primary}.`, stopping, async () => (await this.#status()) === 'live');
    return `let in at ${ingest.primary} after ${since(begunAt)}`;
  }

  async #encode(stopping: AbortSignal): Promise<string> {
    const begunAt = performance.now();
    const path = `/api/v1/streams/${this.#known.id}`;
    let encoder = '';
    await this.#until('No segment came of it.', stopping, async () => {
      const { durationMs, encoding } = await this.#init.api.call<StreamSummary & { encoding: { encoder: string | null } | null }>('GET', path);
      encoder = encoding?.encoder ?? '';
      return (durationMs ?? 0) >= 2000;
    });
    return `two segments of 1 s by ${encoder} after ${since(begunAt)}`;
  }

  async #play(): Promise<string> {
    const { hls } = this.#known.playback;
    const begunAt = performance.now();
    const master = await textOf(hls);
    const answeredMs = since(begunAt);
    const rendition = new URL(lines(master)[0] ?? '', hls).href;
    const media = await textOf(rendition);
    const argv = ['-v', 'error', '-i', hls, '-t', `${playedSeconds}`, '-map', '0:v', '-f', 'framemd5', '-'];
    const { code, text } = await runShort(this.#init.program, argv);
    const frames = text.split('\n').filter((line) => line.startsWith('0,')).length;
    if (code !== 0 || frames < framesMin) throw new PlainFailure(`${hls} does not play: ${frames} frames, ${text.trim().split('\n').at(-1) ?? ''}.`);
    const newest = [...media.matchAll(/^#EXT-X-PROGRAM-DATE-TIME:(.*)$/gm)].at(-1)?.[1];
    const behindMs = newest === undefined ? undefined : Date.now() - Date.parse(newest);
    const behind = behindMs === undefined ? '' : `, the newest picture ${(behindMs / 1000).toFixed(1)} s old`;
    const parts = media.includes('#EXT-X-PART:') ? 'in parts' : 'in whole segments';
    return `${frames} frames decoded from ${hls}; first answer after ${answeredMs}${behind}, ${parts}`;
  }

  async #leave(): Promise<string> {
    const { id } = this.#known;
    await this.#init.api.call('POST', '/api/v1/stream/stop', { id, detail: 'streams doctor' });
    const { items } = await this.#init.api.call<Page<StreamSummary>>('GET', '/api/v1/streams?limit=50');
    if (items.some((one) => one.id === id)) throw new PlainFailure(`${id} is in the list of streams.`);
    return 'stopped; no list has it, and no recording is made of it';
  }

  get #known(): StartedStream {
    if (this.#stream === undefined) throw new PlainFailure('There is no stream.');
    return this.#stream;
  }

  async #status(): Promise<StreamSummary['status']> {
    return (await this.#init.api.call<StreamSummary>('GET', `/api/v1/streams/${this.#known.id}`)).status;
  }

  /** @throws PlainFailure with what the publisher said last */
  async #until(what: string, stopping: AbortSignal, isSo: () => Promise<boolean>): Promise<void> {
    const stageMsMax = this.#init.stageMsMax ?? stageMsMaxDefault;
    for (const end = performance.now() + stageMsMax; performance.now() < end;) {
      if (await isSo()) return;
      if (stopping.aborted) throw new PlainFailure('Interrupted.');
      const publisher = this.#publisher;
      if (publisher?.running === false) throw new PlainFailure(`${what} ffmpeg ended: ${publisher.said || 'it said nothing'}.`);
      await pause(pollMs, stopping);
    }
    throw new PlainFailure(`${what} It was waited for ${stageMsMax / 1000} s.`);
  }
}

function since(begunAt: number): string {
  return `${Math.round(performance.now() - begunAt)} ms`;
}

function lines(playlist: string): readonly string[] {
  return playlist.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
}

async function textOf(url: string): Promise<string> {
  const response = await fetch(url, { signal: AbortSignal.timeout(5000) }).catch((error: unknown) => {
    throw new PlainFailure(`${url} cannot be reached: ${messageOf((error as { cause?: unknown }).cause ?? error)}.`);
  });
  if (!response.ok) throw new PlainFailure(`${url} answers ${response.status}.`);
  return response.text();
}
