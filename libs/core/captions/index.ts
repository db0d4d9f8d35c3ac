export { CaptionDecoder, type ChannelCues } from './caption-decoder.core.ts';
export type { CaptionBlock, CaptionCue } from './cue.ts';
export { captionPairs, type NalCodec } from './sei.codec.ts';
export { emptyCaptions, joinedCaptions, renderCaptions, shiftedCaptions, type CaptionSegment } from './webvtt.core.ts';
