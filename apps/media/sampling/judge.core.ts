import type { Millis } from '#kernel';
import { grayHeight, grayWidth, soundHz } from './sample-plan.core.ts';

/** One small gray picture, judged. */
export interface JudgedPicture {
  /** Mean, 0 to 1. */
  readonly brightness: number;
  /** Nothing in it can be seen. */
  readonly black: boolean;
  /** Mean difference from the picture before, 0 to 1; undefined for the first. */
  readonly change: number | undefined;
}

export const grayBytes = grayWidth * grayHeight;

/** ITU-R BT.709 has black at 16; noise and a station's logo stay below the first, and are few. */
const darkMax = 32;
const brightShareMax = 0.02;
/** Two pictures of one scene that moves differ by more; what an encoder makes of one that stands still, by less. */
const stillMax = 0.0025;
/** Below it nobody hears anything, dB below full scale. */
const silentDb = -60;
/** What stands for silence, for there is no logarithm of nothing. */
const floorDb = -100;

/** @param before the last picture of the stretch before */
export function judgePictures(pictures: Uint8Array, before: Uint8Array | undefined): readonly JudgedPicture[] {
  const judged: JudgedPicture[] = [];
  let last = before;
  for (let at = 0; at + grayBytes <= pictures.length; at += grayBytes) {
    const picture = pictures.subarray(at, at + grayBytes);
    let [sum, bright, difference] = [0, 0, 0];
    for (const [index, value] of picture.entries()) {
      sum += value;
      if (value > darkMax) bright++;
      if (last !== undefined) difference += Math.abs(value - (last[index] as number));
    }
    const change = last === undefined ? undefined : difference / (grayBytes * 255);
    judged.push({ brightness: sum / (grayBytes * 255), black: bright <= grayBytes * brightShareMax, change });
    last = picture;
  }
  return judged;
}

export function lastPicture(pictures: Uint8Array): Uint8Array | undefined {
  const count = Math.floor(pictures.length / grayBytes);
  return count === 0 ? undefined : pictures.slice((count - 1) * grayBytes, count * grayBytes);
}

export interface JudgedSound {
  /** Of all of it, dB below full scale. */
  readonly levelDb: number;
  readonly peakDb: number;
  /** How long it has been silent up to its end, ms. */
  readonly silentMs: Millis;
  /** There is nothing else in it. */
  readonly allSilent: boolean;
}

const decibels = (share: number): number => (share <= 0 ? floorDb : Math.max(floorDb, 20 * Math.log10(share)));

/** Mono samples of 16 bits, little-endian; undefined for none. Judged by tenths of a second. */
export function judgeSound(samples: Uint8Array): JudgedSound | undefined {
  const count = samples.length >> 1;
  if (count === 0) return undefined;
  const view = new DataView(samples.buffer, samples.byteOffset, samples.byteLength);
  const step = soundHz / 10;
  let [power, peak, silent] = [0, 0, 0];
  for (let from = 0; from < count; from += step) {
    const until = Math.min(count, from + step);
    let part = 0;
    for (let index = from; index < until; index++) {
      const value = view.getInt16(index * 2, true) / 32_768;
      part += value * value;
      peak = Math.max(peak, Math.abs(value));
    }
    power += part;
    silent = decibels(Math.sqrt(part / (until - from))) < silentDb ? silent + (until - from) : 0;
  }
  const round = (value: number): number => Math.min(0, Math.round(value * 10) / 10);
  return {
    levelDb: round(decibels(Math.sqrt(power / count))),
    peakDb: round(decibels(Math.min(1, peak))),
    silentMs: Math.round((silent / soundHz) * 1000),
    allSilent: silent === count,
  };
}

/** How long what was looked at has been black, unmoved and silent, up to its end; goes on over stretches. */
export interface Stretches {
  readonly blackMs: Millis;
  readonly frozenMs: Millis;
  readonly silentMs: Millis;
}

export const noStretches: Stretches = { blackMs: 0, frozenMs: 0, silentMs: 0 };

/** @param pictureMs how long each picture stands for */
export function nextStretches(before: Stretches, pictures: readonly JudgedPicture[], pictureMs: Millis, sound: JudgedSound | undefined): Stretches {
  let { blackMs, frozenMs } = before;
  for (const { black, change } of pictures) {
    blackMs = black ? blackMs + pictureMs : 0;
    frozenMs = change !== undefined && change < stillMax ? frozenMs + pictureMs : 0;
  }
  const silentMs = sound === undefined ? 0 : sound.allSilent ? before.silentMs + sound.silentMs : sound.silentMs;
  return { blackMs, frozenMs, silentMs };
}
