export { crc32 } from './crc.core.ts';
export { MpegTsError } from './errors.ts';
export { canBeTransported, segmentToTs, tsOriginTicks, type TsSegment, type TsTrack } from './segment-to-ts.core.ts';
