import { encodingEnded, encodingStarted, segmentProduced, type EventOf } from '#events';
import { renderCaptions } from '#core/captions';
import type { World } from '../../apps/gateway/testing/gateway.fixture.ts';
import type { TestPackager } from '../../apps/gateway/testing/test-packager.ts';
import type { MadeMedia } from './made-media.ts';

type Produced = EventOf<typeof segmentProduced>['data'];

/** A stream whose packager speaks in real time, with media that was made before: nothing here depends on how fast this machine encodes. */
export class AiredStream {
  readonly id: string;
  readonly #world: World;
  #epoch = 0;
  #run = '';
  #packager: TestPackager | undefined;
  /** Ends the segments that are still to come. */
  #stop = new AbortController();
  #airing: Promise<void> = Promise.resolve();
  /** Pictures have captions from now on, which say the number of their segment. */
  speaks = false;
  /** Where the next run of media begins: its number, and its place in seconds. */
  next = { mediaSequence: 0, startSec: 0 };

  constructor(world: World, id: string) {
    this.#world = world;
    this.id = id;
  }

  /**
   * Goes on air: what is older than `pastSec` ago is there at once, the rest segment by segment as time goes by.
   * @param packager tells of the parts as well, so that the stream has a live edge; closed when the stream breaks off
   */
  async begin({ renditions, groups, parts }: MadeMedia, pastSec: number, packager?: TestPackager): Promise<void> {
    const { facts, engines } = this.#world;
    const epoch = ++this.#epoch;
    const producer = { id: `media:${this.id}`, epoch: BigInt(epoch) };
    const about = { streamId: this.id, sessionId: `s-${epoch}`, epoch };
    const source = { videoCodec: 'h264', audioCodec: 'aac', width: 320, height: 180, frameRate: 25 };
    const announced = renditions.map(({ name, kind, track }) =>
      kind === 'audio'
        ? { name, kind, codecs: track.codecs, bandwidth: 80_000, channels: 2 }
        : { name, kind, codecs: track.codecs, bandwidth: 1000 * Number.parseInt(name, 10), width: track.width ?? 1, height: track.height ?? 1, frameRate: 25 },
    );
    const edge = packager === undefined ? {} : { liveEdgeUrl: packager.url };
    await facts.publish('stream', [encodingStarted.draft({ ...about, ...edge, node: 'media-1', encoder: 'libx264', source, renditions: announced })], {
      producer,
    });
    const inits = new Map(await Promise.all(renditions.map(async ({ name, init, track }) => [name, { ...(await engines.blobs.put(init)), track }] as const)));
    const beganMs = Date.now() - pastSec * 1000;
    const firstUs = groups[0]?.segments[0]?.startUs ?? 0;
    const say = async ({ mediaSequence, segments }: MadeMedia['groups'][number]): Promise<void> => {
      const drafts = await Promise.all(
        segments.map(async ({ rendition, bytes, startUs, durationUs, startTicks, durationTicks, keyFrames }) => {
          const stored = await engines.blobs.put(bytes);
          const init = inits.get(rendition) as { cid: string; sizeBytes: number; track: MadeMedia['renditions'][number]['track'] };
          const { timescale, codecs, width, height, channels } = init.track;
          const captions = this.speaks && width !== undefined ? [await this.#spoken(mediaSequence, startUs, durationUs)] : [];
          const size = width === undefined || height === undefined ? {} : { width, height };
          return segmentProduced.draft({
            ...{ ...about, rendition, mediaSequence, cid: stored.cid, sizeBytes: stored.sizeBytes, initCid: init.cid, initSizeBytes: init.sizeBytes },
            ...{ startUs, durationUs, startTicks, durationTicks, programDateTimeMs: beganMs + Math.floor((startUs - firstUs) / 1000) },
            discontinuity: epoch > 1 && mediaSequence === groups[0]?.mediaSequence,
            track: { timescale, codecs, ...size, ...(channels === undefined ? {} : { channels }) },
            ...(keyFrames.length === 0 ? {} : { keyFrames: [...keyFrames] }),
            ...(captions.length === 0 ? {} : { captions }),
          });
        }),
      );
      await facts.publish('stream', drafts, { producer });
      for (const { data } of drafts) this.#tellStored(data);
      const endUs = Math.max(...segments.map(({ startUs, durationUs }) => startUs + durationUs));
      this.next = { mediaSequence: mediaSequence + 1, startSec: 2 * Math.ceil((endUs - 50_000) / 2_000_000) };
    };
    const dueMs = ({ segments }: MadeMedia['groups'][number]): number =>
      beganMs + (Math.max(...segments.map(({ startUs, durationUs }) => startUs + durationUs)) - firstUs) / 1000;
    this.#packager = packager;
    this.#run = `r${epoch}`;
    packager?.tell({ kind: 'run', run: this.#run, mediaSequence: groups[0]?.mediaSequence ?? 0, renditions: renditions.map(({ name }) => name) });
    const sayPart = ({ bytes, ...part }: MadeMedia['parts'][number]): void => {
      const { cid: initCid, track } = inits.get(part.rendition) as { cid: string; track: MadeMedia['renditions'][number]['track'] };
      const discontinuity = epoch > 1 && part.mediaSequence === groups[0]?.mediaSequence;
      const programDateTimeMs = beganMs + Math.floor((part.startUs - firstUs) / 1000);
      const { timescale, codecs, width, height, channels } = track;
      const coded = part.index === 0 ? { track: { timescale, codecs, width, height, channels } } : {};
      packager?.tell({ kind: 'part', run: `r${epoch}`, ...part, initCid, discontinuity, programDateTimeMs, ...coded }, bytes);
    };
    const steps = [
      ...groups.map((group) => ({ dueMs: dueMs(group), do: () => say(group) })),
      ...(packager === undefined ? [] : parts.map((part) => ({ dueMs: beganMs + (part.startUs + part.durationUs - firstUs) / 1000, do: () => sayPart(part) }))),
    ];
    await this.#air(steps);
  }

  async #spoken(mediaSequence: number, startUs: number, durationUs: number): Promise<{ channel: string; cid: string; sizeBytes: number }> {
    const [startMs, endMs] = [startUs / 1000, (startUs + durationUs) / 1000];
    const text = renderCaptions({ startUs, cues: [{ startMs, endMs, blocks: [{ topPercent: 80, leftPercent: 10, lines: [`Number ${mediaSequence}`] }] }] });
    return { channel: 'cc1', ...(await this.#world.engines.blobs.put(Buffer.from(text))) };
  }

  /** In their order: what is due is done at once, the rest as time goes by. Of the same moment, parts come before their segment. */
  async #air(steps: ReadonlyArray<{ readonly dueMs: number; readonly do: () => Promise<void> | void }>): Promise<void> {
    const ordered = steps.toReversed().toSorted((one, other) => one.dueMs - other.dueMs);
    const past = ordered.filter(({ dueMs }) => dueMs <= Date.now());
    for (const step of past) await step.do();
    this.#stop = new AbortController();
    const { signal } = this.#stop;
    this.#airing = (async () => {
      for (const step of ordered.slice(past.length)) {
        while (Date.now() < step.dueMs && !signal.aborted) await new Promise((resolve) => setTimeout(resolve, 20));
        if (signal.aborted) return;
        await step.do();
      }
    })();
    await this.#world.settle();
  }

  #tellStored({ streamId: _stream, sessionId: _session, epoch: _epoch, initSizeBytes: _size, keyFrames = [], ...segment }: Produced): void {
    const { track, startTicks, durationTicks } = segment;
    if (track === undefined || startTicks === undefined || durationTicks === undefined) return;
    this.#packager?.tell({ kind: 'segment', run: this.#run, ...segment, track, startTicks, durationTicks, keyFrames });
  }

  /** Off the air; what was said stands. */
  async breakOff(): Promise<void> {
    this.#stop.abort();
    await this.#airing;
    await this.#packager?.close();
    this.#packager = undefined;
  }

  async end(): Promise<void> {
    await this.breakOff();
    const ended = {
      streamId: this.id,
      sessionId: `s-${this.#epoch}`,
      epoch: this.#epoch,
      node: 'media-1',
      reason: 'stopped' as const,
      exitCode: 0,
      lastLines: [],
    };
    await this.#world.facts.publish('stream', [encodingEnded.draft(ended)], { producer: { id: `media:${this.id}`, epoch: BigInt(this.#epoch) } });
    await this.#world.settle();
  }
}
