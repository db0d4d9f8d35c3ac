import { beforeEach, describe, expect, test } from '@jest/globals';
import { encodeMetadata, encodeTrack } from '#core/flv';
import { RecentBreaches } from '../permit/recent-breaches.ts';
import type { Meter } from '#runtime';
import { CorrectionMeter } from './correction-meter.ts';
import { ConnectionLimits } from './connection-limits.ts';
import { SessionLimits } from './session-limits.ts';
import { RejectionGuard } from './rejection-guard.ts';
import { hostOf } from './rejections.ts';
import { TokenBucket } from './token-bucket.ts';

test('a token bucket lets a burst through, then its rate, and never saves up more than a burst', () => {
  const bucket = new TokenBucket({ perSecond: 2, burst: 3 }, 0);
  const taken = (now: number): number => [1, 2, 3, 4, 5].filter(() => bucket.take(now)).length;
  expect([taken(0), taken(499), taken(500), taken(1500), taken(60_000)]).toEqual([3, 0, 1, 2, 3]);
  // A clock that is set back gives nothing for free.
  expect(taken(0)).toBe(0);
});

describe('the guard of refusals', () => {
  test('lets five of an address through at once, then one in two seconds, and counts the others', () => {
    const guard = new RejectionGuard(0);
    const allowed = Array.from({ length: 20 }, () => guard.allows('10.0.0.1', 0)).filter(Boolean);
    expect(allowed).toHaveLength(5);
    expect(guard.takeSuppressed()).toBe(15);
    expect(guard.takeSuppressed()).toBe(0);
    expect([guard.allows('10.0.0.1', 1000), guard.allows('10.0.0.1', 2000)]).toEqual([false, true]);
    expect(guard.allows('10.0.0.2', 0)).toBe(true);
  });

  test('bounds all addresses together, and how many it remembers', () => {
    const guard = new RejectionGuard(0);
    const allowed = Array.from({ length: 10_000 }, (_, i) => guard.allows(`host-${i}`, 0)).filter(Boolean);
    expect(allowed).toHaveLength(50);
  });
});

describe('places for connections', () => {
  const limits = { connectionsMax: 4, connectionsPerAddressMax: 3, unpublishedMax: 3, unpublishedPerAddressMax: 2, unpublishedKeptMs: 1000 };
  let places: ConnectionLimits;
  let ended: string[];
  const enter = (address: string, nowMs = 0) => places.enter(address, nowMs, () => ended.push(`${address} of ${nowMs}`));

  beforeEach(() => {
    places = new ConnectionLimits(limits);
    ended = [];
  });

  test('an address gets its share, a publisher frees the place of one that has not published', () => {
    const [first, second] = [enter('a'), enter('a')];
    expect(enter('a')).toBeUndefined();
    first?.published();
    first?.published();
    expect(enter('a')).toBeDefined();
    second?.closed();
    expect(enter('a')).toBeDefined();
    expect(enter('a')).toBeUndefined();
    expect(ended).toEqual([]);
  });

  test('all together are limited, and a closed connection counts no more', () => {
    const slots = ['a', 'b', 'c'].map((address) => enter(address));
    for (const slot of slots) slot?.published();
    expect(enter('d')).toBeDefined();
    slots[0]?.closed();
    slots[0]?.closed();
    slots[1]?.closed();
    expect(places.connections).toBe(2);
    expect([enter('e'), enter('f')].every((slot) => slot !== undefined)).toBe(true);
  });

  test('where all are taken the oldest gives way of whoever has most of them, and nobody for whoever has as many', () => {
    enter('many', 1);
    enter('one', 2);
    const last = enter('many', 3);
    expect(enter('new', 4)).toBeDefined();
    expect(ended).toEqual(['many of 1']);
    expect([places.connections, enter('one', 5)]).toEqual([3, undefined]);
    last?.closed();
    expect(enter('one', 6)).toBeDefined();
    expect(ended).toEqual(['many of 1']);
  });

  test('who has published never gives way', () => {
    for (const address of ['a', 'a', 'b', 'c']) enter(address)?.published();
    expect([enter('d'), ended]).toEqual([undefined, []]);
  });

  test('of one address the oldest gives way once it has had time to publish', () => {
    const old = enter('a', 0);
    enter('a', 500);
    expect(enter('a', 999)).toBeUndefined();
    expect(enter('a', 1000)).toBeDefined();
    expect(ended).toEqual(['a of 0']);
    old?.closed();
    expect(places.connections).toBe(2);
  });

  test('all addresses of IPv6 that one host may have are one', () => {
    expect([enter('2001:db8::1'), enter('2001:db8::ffff:2')].every((slot) => slot !== undefined)).toBe(true);
    expect(enter('2001:db8:0:0:1::1')).toBeUndefined();
    expect(enter('2001:db8:0:1::1')).toBeDefined();
  });
});

test.each([
  ['127.0.0.1:5000', '127.0.0.1'],
  ['::1:5000', '::1'],
  ['nowhere', ''],
])('the host of %s is %j', (address, host) => {
  expect(hostOf(address)).toBe(host);
});

test('corrections are added to the metrics as they grow, by kind, and told at the end without what there was none of', () => {
  const added: string[] = [];
  const counter = { add: (count: number, { kind }: { kind: string }) => void added.push(`${kind} ${count}`), reach: () => undefined };
  const meter = new CorrectionMeter({ meter: { counter: () => counter } as unknown as Meter });
  const none = {
    wraps: 0,
    jumpsForward: 0,
    jumpsBack: 0,
    backSteps: 0,
    driftMs: 0,
    unconfigured: 0,
    repeatedConfigs: 0,
    changedConfigs: 0,
    otherTracks: 0,
    unreadableData: 0,
  };
  meter.report(none);
  meter.report({ ...none, jumpsBack: 1, backSteps: 3 });
  meter.report({ ...none, jumpsBack: 1, backSteps: 5 });
  expect(added).toEqual(['jump-back 1', 'back-step 3', 'back-step 2']);
  expect(meter.told).toEqual({ jumpsBack: 1, backSteps: 5 });
});

describe('a session within its limits', () => {
  const at = (now: number, bytes = 0) => ({ now, bytes });

  test('is measured over ten seconds, with room above for the encoder', () => {
    const limits = new SessionLimits({ bitrate: 1_000_000 }, undefined, at(0));
    for (let now = 1000; now <= 10_000; now += 1000) expect(limits.check(now * 149, now)).toBeUndefined();
    for (let now = 11_000; now < 20_000; now += 1000) expect(limits.check(1_490_000 + (now - 10_000) * 151, now)).toBeUndefined();
    expect(limits.check(3_000_000, 20_000)).toEqual({ reason: 'limit-exceeded', detail: 'This publisher sends 1208 kbit/s; 1000 are allowed.' });
  });

  test('is not held to what its network brings at once after it stood still', () => {
    const limits = new SessionLimits({ bitrate: 1_000_000 }, undefined, at(0));
    let bytes = 0;
    const told: unknown[] = [];
    const second = (now: number, sent: number): void => void told.push(limits.check((bytes += sent), now));
    for (let now = 1000; now <= 12_000; now += 1000) second(now, 125_000);
    for (let now = 13_000; now <= 20_000; now += 1000) second(now, 0);
    second(21_000, 9 * 125_000);
    for (let now = 22_000; now <= 60_000; now += 1000) second(now, 125_000);
    expect(told.every((one) => one === undefined)).toBe(true);
    // What it was given for that is used up by then: above its limit it is told as soon as anybody.
    for (let now = 61_000; now <= 80_000; now += 1000) second(now, 250_000);
    expect(told.find((one) => one !== undefined)).toMatchObject({ reason: 'limit-exceeded' });
  });

  test('is told which of its tracks has too large a picture', () => {
    // 1280x720 of libx264, in a message of track 2.
    const avc = Buffer.from('0164001fffe1001b6764001facd9405005bb0110000003001000000303c0f183196001000668ebe3cb22c0', 'hex');
    const body = encodeTrack('video', 2, { frameType: 1, packetType: 0, fourCc: 'avc1', payload: avc });
    expect(new SessionLimits({ height: 720 }, undefined, at(0)).picture(body, 2)).toBeUndefined();
    const detail = 'The picture of track 2 has 1280x720 pixels; 480 lines are allowed.';
    expect(new SessionLimits({ height: 480 }, undefined, at(0)).picture(body, 2)).toEqual({ reason: 'limit-exceeded', detail });
  });

  test('is judged by what it says of itself before anything of it is seen', () => {
    const limits = new SessionLimits({ height: 720, bitrate: 6_000_000 }, undefined, at(0));
    const said = (about: Parameters<typeof encodeMetadata>[0]): string | undefined => limits.announced(encodeMetadata(about))?.detail;
    expect(said({ width: 1280, height: 720, videoKbps: 6000, audioKbps: 160 })).toBeUndefined();
    expect(said({ width: 1920, height: 1080 })).toBe('The picture has 1920x1080 pixels; 720 lines are allowed.');
    expect(said({ width: 1280, height: 720, videoKbps: 8000, audioKbps: 160 })).toBe('This publisher is set to 8160 kbit/s; 6000 are allowed.');
    expect(said({})).toBeUndefined();
    expect(limits.announced(Uint8Array.of(1, 2, 3))).toBeUndefined();
    expect(new SessionLimits({}, undefined, at(0)).announced(encodeMetadata({ width: 7680, height: 4320, videoKbps: 80_000 }))).toBeUndefined();
  });

  test('that was ended is told why when it comes again, for ten seconds; who comes with it again and again, for a minute', () => {
    const breaches = new RecentBreaches();
    expect(breaches.of('st-a', 0)).toBeUndefined();
    const refusal = { reason: 'unsupported-codec', detail: 'Not this one.' } as const;
    const told = (nowMs: number): string | undefined => breaches.of('st-a', nowMs)?.detail;
    breaches.remember('st-a', refusal, 1000);
    expect(breaches.of('st-a', 1001)).toEqual({ reason: 'unsupported-codec', detail: 'Not this one. Change that, and try again in 10 s.' });
    expect(told(10_500)).toBe('Not this one. Change that, and try again in 1 s.');
    expect([breaches.of('st-b', 1001), told(11_000)]).toEqual([undefined, undefined]);
    for (const [atMs, seconds] of [
      [11_000, 20],
      [31_000, 40],
      [71_000, 60],
      [131_000, 60],
      // Five minutes without one are a new beginning.
      [191_000 + 300_000, 10],
    ] as const) {
      breaches.remember('st-a', refusal, atMs);
      expect(told(atMs)).toBe(`Not this one. Change that, and try again in ${seconds} s.`);
      expect(told(atMs + seconds * 1000)).toBeUndefined();
    }
    for (let n = 0; n < 5000; n++) breaches.remember(`st-${n}`, refusal, 0);
    expect([breaches.of('st-0', 1), breaches.of('st-4999', 1)?.reason]).toEqual([undefined, 'unsupported-codec']);
  });

  test('without limits goes on, and with a lifetime until it is over', () => {
    expect(new SessionLimits({}, undefined, at(0)).check(1e12, 1e9)).toBeUndefined();
    const timed = new SessionLimits({}, 5_000, at(0));
    expect(timed.check(0, 4_999)).toBeUndefined();
    expect(timed.check(0, 5_000)).toMatchObject({ reason: 'lifetime-over' });
  });

  test('has a picture of so many lines, however it stands; what tells no size passes', () => {
    const avc = Uint8Array.from(Buffer.from('17000000000142c028ffe100196742c028da01e0089f97011000000300100000030320f1832a01000468ce0fc8', 'hex'));
    const limits = new SessionLimits({ height: 720 }, undefined, at(0));
    expect(limits.picture(avc)).toEqual({ reason: 'limit-exceeded', detail: 'The picture has 1920x1080 pixels; 720 lines are allowed.' });
    expect(new SessionLimits({ height: 1080 }, undefined, at(0)).picture(avc)).toBeUndefined();
    expect(limits.picture(Uint8Array.of(0x90, 0x76, 0x70, 0x30, 0x39, 1))).toBeUndefined();
    expect(limits.picture(Uint8Array.of(0x17, 0, 0, 0, 0))).toBeUndefined();
  });
});
