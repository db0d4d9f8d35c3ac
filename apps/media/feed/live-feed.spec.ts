import { describe, expect, test } from '@jest/globals';
import { tagType, type FlvTag } from '#core/flv';
import { LiveFeed } from './live-feed.ts';

const sound = (timestampMs: number): FlvTag => ({ type: tagType.audio, timestampMs, body: Uint8Array.of(0xaf, 1, 0, 0) });

describe('waiting for a feed', () => {
  const isOpen = async (promise: Promise<unknown>): Promise<boolean> =>
    (await Promise.race([promise.then(() => false), new Promise((resolve) => setImmediate(() => resolve(true)))])) === true;
  const live = (): LiveFeed => new LiveFeed({ bytesMax: 10_000 });

  test('ends with media, with its end, and with the signal of whoever waits', async () => {
    const made = live();
    const stop = new AbortController();
    const first = made.changed(stop.signal);
    expect(await isOpen(first)).toBe(true);
    made.push([sound(0)]);
    await first;
    const second = made.changed(stop.signal);
    stop.abort();
    await Promise.all([second, made.changed(stop.signal)]);
    const third = made.changed(new AbortController().signal);
    made.finish('broken');
    await third;
  });

  test('goes on for those of many runs that were stopped', async () => {
    const made = live();
    const stops = Array.from({ length: 30 }, () => new AbortController());
    const waits = stops.map(({ signal }) =>
      (async () => {
        while (!signal.aborted) await made.changed(signal);
      })(),
    );
    for (const [n, stop] of stops.entries()) {
      stop.abort();
      await waits[n];
      expect(await isOpen(Promise.all(waits))).toBe(n < 29);
    }
  });

  test('is not ended by a signal that nobody minds any more, and a run that waits again minds its own', async () => {
    const made = live();
    const stop = new AbortController();
    void made.changed(stop.signal);
    made.unheed(stop.signal);
    const other = made.changed(new AbortController().signal);
    stop.abort();
    expect(await isOpen(other)).toBe(true);
    const next = new AbortController();
    const waits = made.changed(next.signal);
    made.push([sound(0)]);
    await waits;
    const again = made.changed(next.signal);
    next.abort();
    await again;
  });

  test('for the end alone minds no media', async () => {
    const made = live();
    const stop = new AbortController();
    const [over, given] = [made.over(new AbortController().signal), made.over(stop.signal)];
    made.push([sound(0)]);
    expect(await isOpen(Promise.race([over, given]))).toBe(true);
    stop.abort();
    await given;
    expect(await isOpen(over)).toBe(true);
    made.finish('session-over');
    await over;
    await made.over(new AbortController().signal);
  });
});
