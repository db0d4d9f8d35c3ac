/** Limits of a level, ITU-T H.264 table A-1; bitrate for High profile (1.25 times that of table A-1), kbit/s. */
interface LevelLimits {
  readonly level: number;
  readonly blocksPerSecond: number;
  readonly blocks: number;
  readonly kbps: number;
}

const levels: readonly LevelLimits[] = [
  { level: 21, blocksPerSecond: 19_800, blocks: 792, kbps: 5000 },
  { level: 30, blocksPerSecond: 40_500, blocks: 1620, kbps: 12_500 },
  { level: 31, blocksPerSecond: 108_000, blocks: 3600, kbps: 17_500 },
  { level: 32, blocksPerSecond: 216_000, blocks: 5120, kbps: 25_000 },
  { level: 40, blocksPerSecond: 245_760, blocks: 8192, kbps: 25_000 },
  { level: 41, blocksPerSecond: 245_760, blocks: 8192, kbps: 62_500 },
  { level: 42, blocksPerSecond: 522_240, blocks: 8704, kbps: 62_500 },
  { level: 50, blocksPerSecond: 589_824, blocks: 22_080, kbps: 168_750 },
  { level: 51, blocksPerSecond: 983_040, blocks: 36_864, kbps: 300_000 },
  { level: 52, blocksPerSecond: 2_073_600, blocks: 36_864, kbps: 300_000 },
];

export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly framesPerSecond: number;
  /** Peak bits per second. */
  readonly bitrate: number;
}

/** The lowest level that allows the picture, times ten; the highest there is for pictures beyond all of them. */
export function levelOf({ width, height, framesPerSecond, bitrate }: Picture): number {
  const blocks = Math.ceil(width / 16) * Math.ceil(height / 16);
  const fits = (one: LevelLimits): boolean => blocks <= one.blocks && blocks * framesPerSecond <= one.blocksPerSecond && bitrate <= one.kbps * 1000;
  return (levels.find(fits) ?? (levels.at(-1) as LevelLimits)).level;
}

/** RFC 6381 section 3.3: profile_idc 100 (High), no constraint flags, level. */
export function highProfileCodecs(level: number): string {
  return `avc1.6400${level.toString(16).padStart(2, '0')}`;
}
