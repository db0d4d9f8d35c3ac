import { gzipSync } from 'node:zlib';
import { types, stringify } from 'hls-parser';
import { renderMedia, type MediaPlaylist, type PlaylistSegment } from '#core/hls';
import { Prng } from '#kernel';
import { quantile, type Bench, type BenchContext } from './harness/index.ts';

const segmentSec = 2;
const windowSec = 4 * 3600;
const listed = windowSec / segmentSec;
/** A stream that has been live for a day, with an encoder that was restarted every hour. */
const firstSequence = 36_000;
const restartEvery = 1800;

function cid(dice: Prng): string {
  const alphabet = 'abcdefghijklmnopqrstuvwxyz234567';
  return `bafkrei${Array.from({ length: 52 }, () => alphabet[dice.nextInteger(0, 31)]).join('')}`;
}

function segments(): PlaylistSegment[] {
  const dice = new Prng(6);
  const inits = Array.from({ length: 30 }, () => cid(dice));
  return Array.from({ length: listed }, (_, at) => {
    const mediaSequence = firstSequence + at;
    return {
      mediaSequence,
      cid: cid(dice),
      initCid: inits[Math.floor(mediaSequence / restartEvery)] ?? '',
      durationUs: 2_000_000 + (at % 2) * 2000,
      startUs: mediaSequence * 2_001_000,
      programDateTimeMs: 1_790_000_000_000 + mediaSequence * 2001,
      discontinuity: mediaSequence % restartEvery === 0,
    };
  });
}

/** The same list as the peer wants it, made beforehand: only its writing is measured. */
function peerPlaylist(list: MediaPlaylist, skip: number): InstanceType<typeof types.MediaPlaylist> {
  const entries = list.segments.map(
    ({ mediaSequence, cid: name, initCid, durationUs, programDateTimeMs, discontinuity }) =>
      new types.Segment({
        uri: `../../media/${name}.m4s`,
        duration: durationUs / 1_000_000,
        mediaSequenceNumber: mediaSequence,
        discontinuity,
        map: new types.MediaInitializationSection({ uri: `../../media/${initCid}.mp4` } as never),
        programDateTime: new Date(programDateTimeMs),
      } as never),
  );
  return new types.MediaPlaylist({
    version: 9,
    targetDuration: list.targetDurationSec,
    mediaSequenceBase: list.segments[0]?.mediaSequence ?? 0,
    discontinuitySequenceBase: list.discontinuitySequence,
    independentSegments: true,
    segments: skip === 0 ? entries : entries.slice(skip),
    skip,
  } as never);
}

/** Milliseconds of one rendering each. */
function timed(times: number, render: () => string): readonly number[] {
  for (let at = 0; at < Math.min(20, times); at++) render();
  return Array.from({ length: times }, () => {
    const from = performance.now();
    render();
    return performance.now() - from;
  });
}

function measure(context: BenchContext): void {
  const list: MediaPlaylist = {
    segments: segments(),
    targetDurationSec: segmentSec,
    discontinuitySequence: 20,
    ended: false,
    window: { first: firstSequence, last: firstSequence + listed - 1 },
  };
  const update = { ...list, skip: true };
  const delta = renderMedia(update);
  const skipped = Number(/SKIPPED-SEGMENTS=(\d+)/.exec(delta)?.[1] ?? 0);
  const cases = [
    { name: 'delta', render: () => renderMedia(update), peer: peerPlaylist(list, skipped), times: context.quick ? 2000 : 20_000 },
    { name: 'whole', render: () => renderMedia(list), peer: peerPlaylist(list, 0), times: context.quick ? 50 : 300 },
  ];
  context.row('playlist', 'segments', 'bytes', 'gzip bytes', 'ms p50', 'ms p99', 'hls-parser ms p50', 'ms p99');
  for (const { name, render, peer, times } of cases) {
    const own = timed(times, render);
    // The peer takes seconds for the whole list.
    const theirs = timed(name === 'delta' ? times : 3, () => stringify(peer));
    const text = render();
    const gzip = gzipSync(text).length;
    context.row(
      name,
      text.match(/#EXTINF/g)?.length ?? 0,
      text.length,
      gzip,
      quantile(own, 0.5),
      quantile(own, 0.99),
      quantile(theirs, 0.5),
      quantile(theirs, 0.99),
    );
    if (name === 'delta') {
      context.bar('playlist.delta.render.p99', quantile(own, 0.99), 'ms', '<= 1', quantile(own, 0.99) <= 1, quantile(theirs, 0.99));
      context.bar('playlist.delta.gzip', gzip, 'bytes', '<= 8192', gzip <= 8192);
    } else {
      context.bar('playlist.whole.render.p50', quantile(own, 0.5), 'ms', '<= the peer', quantile(own, 0.5) <= quantile(theirs, 0.5), quantile(theirs, 0.5));
    }
  }
}

export const bench: Bench = {
  name: 'playlist',
  summary: 'a live playlist with a DVR window of four hours in segments of 2 s, whole and as a delta update, against stringify of hls-parser',
  run: (context) => Promise.resolve(measure(context)),
};
