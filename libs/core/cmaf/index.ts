export { RemuxError, type RemuxErrorCode } from './errors.ts';
export { fragmentFramesMax } from './frame.ts';
export { canRemux, Remuxer, trackOf, type RemuxerInit, type RemuxPart } from './remuxer.core.ts';
export { videoTimescale, type CmafTrack } from './track.ts';
