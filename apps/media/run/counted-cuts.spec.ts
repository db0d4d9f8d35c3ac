import { expect, test } from '@jest/globals';
import { countedNumber, isOnGrid } from '#core/dash';
import { Segmenter, type TrackInit } from '#core/fmp4';

const sync = 0x0200_0000;
const delta = 0x0101_0000;
const gridUs = 2_000_000;
const video: TrackInit = { trackId: 1, timescale: 90_000, kind: 'video', codecs: 'avc1.64001f', defaults: { duration: 0, size: 0, flags: 0 } };
const audio: TrackInit = { ...video, timescale: 48_000, kind: 'audio', codecs: 'mp4a.40.2' };

/** Where segments of an encoder's run begin and end that goes on with another's time, by rendition. */
function cutsOf(startUs: number, soundUs: number): Readonly<Record<string, ReadonlyArray<readonly [number, number]>>> {
  const picture = { name: '720p', kind: 'video' as const, startUs, primingTicks: 0 };
  const sound = { name: 'audio', kind: 'audio' as const, startUs: startUs + soundUs, primingTicks: 0 };
  const run = new Segmenter({ gridUs, renditions: [picture, sound], mediaSequence: 0, apartUsMax: 10_000_000 });
  run.begin('720p', video);
  run.begin('audio', audio);
  const groups = Array.from({ length: 240 }, (_, n) => {
    const isKey = n === 0 || Math.abs(((startUs + (n * 1e6) / 30 + 1000) % gridUs) - 1000) < 1000;
    const frame = { duration: 3000, flags: isKey ? sync : delta, compositionOffset: 0, data: Uint8Array.of(n & 0xff) };
    const [first, last] = [Math.ceil((n * 1600) / 1024), Math.ceil(((n + 1) * 1600) / 1024)];
    const heard = Array.from({ length: last - first }, () => ({ duration: 1024, flags: sync, compositionOffset: 0, data: Uint8Array.of(1) }));
    return [
      ...run.push('720p', { baseDecodeTime: n * 3000, samples: [frame] }),
      ...(heard.length === 0 ? [] : run.push('audio', { baseDecodeTime: first * 1024, samples: heard })),
    ];
  }).flat();
  const of = (name: string) =>
    groups.flatMap(({ segments }) =>
      segments.filter(({ rendition }) => rendition === name).map((one) => [one.startUs, one.startUs + one.durationUs] as [number, number]),
    );
  return { '720p': of('720p'), audio: of('audio') };
}

test.each([-21_000, 0, 21_000])(
  'wherever a run goes on, picture and sound are cut where DASH players count to, with sound %s us behind the picture',
  (soundUs) => {
    const span = { first: 0, mediaStartUs: 0 };
    const numberOf = (us: number): number => countedNumber(us, span, gridUs);
    for (let frame = 0; frame < 60; frame++) {
      const startUs = 8_000_000 + Math.round((frame * 1e6) / 30);
      for (const [name, [head, ...others]] of Object.entries(cutsOf(startUs, soundUs))) {
        const [at, endUs] = head as readonly [number, number];
        // What is left of the segment there was is counted with it or with what follows; where it is cut with that, it is what that begins with.
        if (!isOnGrid(at, span, gridUs)) expect([startUs, name, isOnGrid(endUs, span, gridUs), endUs < 10_100_000]).toEqual([startUs, name, true, true]);
        let number = numberOf(at);
        expect(number - 4).toBeLessThanOrEqual(1);
        expect(others.length).toBeGreaterThan(1);
        for (const [place] of others) {
          expect([startUs, name, place, isOnGrid(place, span, gridUs), numberOf(place) - number <= 1]).toEqual([startUs, name, place, true, true]);
          number = numberOf(place);
        }
      }
    }
  },
);
