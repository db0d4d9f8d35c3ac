import { tagType } from '#core/flv';
import { describe, expect, test } from '@jest/globals';
import { MediaRing } from './media-ring.core.ts';
import type { MediaMessage } from './session.types.ts';
import { SlabPool } from './slab-pool.core.ts';
import { Arena, TagBuffer } from './tag-buffer.core.ts';

interface Sent {
  readonly ms: number;
  readonly kind?: 'key' | 'picture' | 'sound';
  readonly track?: number;
  /** How long after it is decoded it is shown. */
  readonly laterMs?: number;
  readonly bytes?: number;
}

/** Media whose bodies end with its time, so that what is kept can be told by its bytes. */
class Scene {
  readonly pool = new SlabPool({ slabBytes: 512 });
  readonly arena = new Arena(this.pool);
  readonly ring = new MediaRing<string>();
  bytesMax = 100_000;
  keepMsMax = 30_000;
  isSoundAlone = false;
  context = 'c0';

  send(...sent: readonly Sent[]): void {
    for (const one of sent) this.#send(one);
  }

  #send({ ms, kind = 'picture', track = 0, laterMs = 0, bytes = 40 }: Sent): void {
    const body = new Uint8Array(bytes);
    // AVC, a NAL unit, and its composition time.
    body.set([kind === 'key' ? 0x17 : 0x27, 1, 0, laterMs >> 8, laterMs & 0xff]);
    new DataView(body.buffer).setUint32(bytes - 4, ms);
    const tag = new TagBuffer(this.arena, bytes);
    tag.append(body, 0, bytes);
    const type = kind === 'sound' ? tagType.audio : tagType.video;
    tag.seal(type, ms);
    const message: MediaMessage = { kind: 'media', type, timestampMs: ms, packet: 'frames', keyFrame: kind === 'key' && track === 0, track, tag };
    const { bytesMax, keepMsMax, isSoundAlone } = this;
    this.ring.add(message, { context: () => this.context, isSoundAlone, bytesMax, keepMsMax });
    tag.release();
  }

  /** Times of what a reader is given that goes on from there. */
  from(ms: number): number[] {
    const [first, ...others] = this.ring.from(ms);
    return first === undefined ? [] : this.#times([...first.lead, ...first.pieces, ...others.flatMap(({ pieces }) => pieces)]);
  }

  get newest(): number[] | undefined {
    const { newest } = this.ring;
    return newest && this.#times(newest.pieces);
  }

  #times(pieces: ReadonlyArray<Uint8Array | { readonly slab: { readonly bytes: Uint8Array }; readonly start: number; readonly end: number }>): number[] {
    const bytes = Buffer.concat(pieces.map((piece) => ('slab' in piece ? piece.slab.bytes.subarray(piece.start, piece.end) : piece)));
    const times: number[] = [];
    for (let at = 0; at < bytes.length;) {
      const size = bytes.readUIntBE(at + 1, 3);
      times.push(bytes.readUInt32BE(at + 11 + size - 4));
      at += 11 + size + 4;
    }
    return times;
  }

  get held(): number {
    this.arena.close();
    return this.pool.held;
  }
}

const key = (ms: number, laterMs = 0): Sent => ({ ms, kind: 'key', laterMs });
const picture = (ms: number): Sent => ({ ms });
const sound = (ms: number): Sent => ({ ms, kind: 'sound' });

describe('media that nobody said to keep', () => {
  test('is the group of pictures that is not over', () => {
    const scene = new Scene();
    scene.send(picture(0), sound(5));
    expect(scene.newest).toBeUndefined();
    scene.send(key(10), picture(20), sound(35), key(30), picture(40));
    expect(scene.newest).toEqual([30, 40]);
    expect(scene.ring.isKept).toBe(false);
  });

  test('that outgrows its bound is given up until the next key frame', () => {
    const scene = new Scene();
    scene.bytesMax = 300;
    scene.send(key(0), { ms: 10, bytes: 200 }, picture(20));
    expect([scene.newest, scene.ring.bytes]).toEqual([undefined, 0]);
    scene.send(key(30));
    expect(scene.newest).toEqual([30]);
  });

  test('waits for a key frame of a new configuration, and gives all memory back', () => {
    const scene = new Scene();
    scene.send(key(0), picture(10));
    scene.ring.reconfigured();
    scene.send(picture(20));
    expect(scene.newest).toBeUndefined();
    expect(scene.held).toBe(0);
  });

  test('of sound alone is none: who joins hears what comes', () => {
    const scene = new Scene();
    scene.isSoundAlone = true;
    scene.send(sound(0), sound(1500), sound(3000));
    expect([scene.newest, scene.from(0)]).toEqual([undefined, []]);
  });
});

describe('media that is kept for a reader', () => {
  function kept(fromMs = 0): Scene {
    const scene = new Scene();
    scene.ring.keepFrom(fromMs);
    return scene;
  }

  test('is all of it, until the reader says what it has', () => {
    const scene = kept();
    for (const ms of [0, 1000, 2000, 3000]) scene.send(key(ms), picture(ms + 500));
    expect(scene.from(0)).toEqual([0, 500, 1000, 1500, 2000, 2500, 3000, 3500]);
    scene.ring.keepFrom(1999);
    expect(scene.from(0)).toEqual([1000, 1500, 2000, 2500, 3000, 3500]);
    scene.ring.keepFrom(2000);
    expect(scene.from(0)).toEqual([2000, 2500, 3000, 3500]);
    scene.ring.keepFrom(500);
    scene.send(key(4000));
    expect(scene.from(0)).toEqual([2000, 2500, 3000, 3500, 4000]);
    expect([scene.from(3999), scene.newest]).toEqual([[3000, 3500, 4000], [4000]]);
    scene.ring.keepFrom(99_999);
    expect(scene.from(0)).toEqual([4000]);
    scene.ring.clear();
    expect([scene.held, scene.ring.bytes]).toEqual([0, 0]);
  });

  test('goes by when a picture is shown, and brings the sound that was sent before its key frame', () => {
    const scene = kept();
    scene.send(key(0, 80), sound(0), picture(960), sound(990), sound(1010), sound(1030), key(1000, 80), picture(1040), sound(1050));
    expect(scene.from(1079)).toEqual([0, 0, 960, 990, 1010, 1030, 1000, 1040, 1050]);
    expect(scene.from(1080)).toEqual([1010, 1030, 1000, 1040, 1050]);
    scene.ring.keepFrom(1080);
    expect(scene.from(0)).toEqual([1010, 1030, 1000, 1040, 1050]);
    scene.ring.clear();
    expect(scene.held).toBe(0);
  });

  test('begins a group earlier where further tracks have key frames of their own', () => {
    const scene = kept();
    scene.send(key(0), { ms: 900, kind: 'key', track: 1 }, key(1000), key(2000));
    expect(scene.from(1000)).toEqual([0, 900, 1000, 2000]);
    scene.ring.keepFrom(2000);
    expect(scene.from(2000)).toEqual([1000, 2000]);
  });

  test('is no more than a time, and as much less as its holder wants', () => {
    const scene = kept();
    scene.keepMsMax = 3000;
    for (let ms = 0; ms <= 10_000; ms += 1000) scene.send(key(ms));
    // From its oldest key frame on it is three seconds at least.
    expect(scene.from(0)).toEqual([6000, 7000, 8000, 9000, 10_000]);
    expect(scene.ring.dropOldest()).toBe(true);
    expect(scene.from(0)).toEqual([7000, 8000, 9000, 10_000]);
    while (scene.ring.dropOldest());
    scene.send(picture(10_500));
    expect([scene.from(0), scene.newest]).toEqual([[], undefined]);
  });

  test('of sound alone is cut by the second, from what came before it was known', () => {
    const scene = kept();
    const early = new Scene();
    early.ring.keepFrom(0);
    early.isSoundAlone = true;
    early.send(sound(0), sound(500));
    const parts = early.ring.from(0).flatMap(({ pieces }) => pieces.flatMap((piece) => ('slab' in piece ? [piece] : [])));
    scene.ring.seed(0, parts, 'c0');
    scene.isSoundAlone = true;
    scene.send(sound(1000), sound(1500), sound(2000), sound(2500));
    expect(scene.from(0)).toEqual([0, 500, 1000, 1500, 2000, 2500]);
    expect(scene.from(1999)).toEqual([1000, 1500, 2000, 2500]);
    expect(scene.newest).toBeUndefined();
  });

  test('whose picture pauses is cut by its sound, so that what is stored can be forgotten', () => {
    const scene = kept();
    scene.send(key(0), picture(40));
    for (let ms = 1000; ms <= 25_000; ms += 1000) scene.send(sound(ms));
    scene.ring.keepFrom(21_000);
    expect(scene.from(0)).toEqual([20_000, 21_000, 22_000, 23_000, 24_000, 25_000]);
  });

  test('has its own configuration, and what changed it in its place', () => {
    const scene = kept();
    scene.send(key(0));
    scene.context = 'c1';
    scene.ring.reconfigured();
    scene.ring.addBytes(Uint8Array.of(1, 2, 3));
    scene.send(picture(40));
    expect(scene.newest).toBeUndefined();
    scene.send(key(1000));
    expect(scene.ring.from(0).map(({ context }) => context)).toEqual(['c0', 'c1']);
    expect(scene.ring.from(0)[0]?.pieces[1]).toEqual(Uint8Array.of(1, 2, 3));
    expect(scene.newest).toEqual([1000]);
  });
});
