export { MpegTsError } from './errors.ts';
export { canBeTransported, segmentToTs, type TsSegment, type TsTrack } from './segment-to-ts.core.ts';
