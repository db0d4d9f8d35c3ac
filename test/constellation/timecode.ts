/**
 * A clock that survives encoding: the wall clock as a row of black and white blocks along the picture's top edge.
 * The publisher's filter graph draws it, a canvas in the player's page reads it back; the difference to the clock of
 * the page is the latency from glass to glass.
 */

/** Blocks: one white, one black, then the bits of the count, the lowest first, then its parity. */
const countBits = 20;
export const timecodeBlocks = countBits + 3;
/** The count runs in units of this many ms and wraps at 2^20 of them (about 2.9 h). */
export const timecodeUnitMs = 10;
const wrap = 2 ** countBits;

/** Share of the picture's width and height that the row takes. */
export const timecodeHeightShare = 1 / 15;

/**
 * An ffmpeg filter chain that draws the row over `[in]` of the given size and gives `[out]`. The frame's time stamp is set
 * to the wall clock first (RTCTIME, microseconds), so that what is drawn is the moment the frame passed here.
 */
export function timecodeFilter(width: number, height: number): string {
  const rowHeight = Math.round(height * timecodeHeightShare);
  const block = `floor(X*${timecodeBlocks}/W)`;
  const count = `floor(mod(T*1000/${timecodeUnitMs},${wrap}))`;
  const bit = `mod(floor(${count}/pow(2,${block}-2)),2)`;
  const parityTerms = Array.from({ length: countBits }, (_, at) => `mod(floor(${count}/${2 ** at}),2)`).join('+');
  const white = `if(eq(${block},0),1,if(eq(${block},1),0,if(eq(${block},${timecodeBlocks - 1}),mod(${parityTerms},2),${bit})))`;
  return [
    `[in]setpts=RTCTIME/(TB*1000000),split[picture][for-row]`,
    // The row is computed on one line of pixels per frame, then stretched: geq is slow.
    `[for-row]scale=${timecodeBlocks * 4}:2,format=gray,geq=lum='if(${white},255,0)',scale=${width}:${rowHeight}:flags=neighbor[row]`,
    `[picture][row]overlay=0:0,setpts=PTS-STARTPTS[out]`,
  ].join(';');
}

/** What the blocks say, or undefined when they are not a timecode. `luma` holds one sample (0–255) per block. */
export function readTimecode(luma: readonly number[]): number | undefined {
  if (luma.length !== timecodeBlocks) return undefined;
  const bits = luma.map((value) => (value > 127 ? 1 : 0));
  if (bits[0] !== 1 || bits[1] !== 0) return undefined;
  let count = 0;
  let ones = 0;
  for (let at = 0; at < countBits; at++) {
    const bit = bits[at + 2] as number;
    count += bit * 2 ** at;
    ones += bit;
  }
  return ones % 2 === bits[timecodeBlocks - 1] ? count : undefined;
}

/** Age in ms of a picture with this count, seen at `nowMs`. */
export function timecodeAgeMs(count: number, nowMs: number): number {
  const now = Math.floor(nowMs / timecodeUnitMs) % wrap;
  return ((now - count + wrap) % wrap) * timecodeUnitMs;
}
