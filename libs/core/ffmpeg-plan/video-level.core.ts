import type { VideoCodec } from './plan.ts';

interface LevelLimits {
  /** Times ten. */
  readonly level: number;
  /** Of 16 by 16 pixels in H.264; of H.265's luma samples the 256th part. */
  readonly blocksPerSecond: number;
  readonly blocks: number;
  readonly kbps: number;
}

/** ITU-T H.264 table A-1; bitrate for High profile (1.25 times that of table A-1), kbit/s. */
const h264Levels: readonly LevelLimits[] = [
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

/** ITU-T H.265 tables A.8 and A.9, Main tier. */
const hevcLevels: readonly LevelLimits[] = [
  { level: 21, blocksPerSecond: 28_800, blocks: 960, kbps: 3000 },
  { level: 30, blocksPerSecond: 64_800, blocks: 2160, kbps: 6000 },
  { level: 31, blocksPerSecond: 129_600, blocks: 3840, kbps: 10_000 },
  { level: 40, blocksPerSecond: 261_120, blocks: 8704, kbps: 12_000 },
  { level: 41, blocksPerSecond: 522_240, blocks: 8704, kbps: 20_000 },
  { level: 50, blocksPerSecond: 1_044_480, blocks: 34_816, kbps: 25_000 },
  { level: 51, blocksPerSecond: 2_088_960, blocks: 34_816, kbps: 40_000 },
  { level: 52, blocksPerSecond: 4_177_920, blocks: 34_816, kbps: 60_000 },
];

export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly framesPerSecond: number;
  /** Peak bits per second. */
  readonly bitrate: number;
}

/** The lowest level that allows the picture, times ten; the highest there is for pictures beyond all of them. */
export function levelOf(codec: VideoCodec, { width, height, framesPerSecond, bitrate }: Picture): number {
  const levels = codec === 'hevc' ? hevcLevels : h264Levels;
  const blocks = Math.ceil(width / 16) * Math.ceil(height / 16);
  const fits = (one: LevelLimits): boolean => blocks <= one.blocks && blocks * framesPerSecond <= one.blocksPerSecond && bitrate <= one.kbps * 1000;
  return (levels.find(fits) ?? (levels.at(-1) as LevelLimits)).level;
}

/**
 * H.264, RFC 6381 section 3.3: profile_idc 100 (High), no constraint flags, level. H.265, ISO/IEC 14496-15 annex E: Main
 * profile, compatible with itself and Main 10, Main tier, level, progressive frames alone.
 */
export function codecsOf(codec: VideoCodec, level: number): string {
  return codec === 'hevc' ? `hvc1.1.6.L${level * 3}.90` : `avc1.6400${level.toString(16).padStart(2, '0')}`;
}
