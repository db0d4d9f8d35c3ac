export { encodeEdgeFrame, EdgeFrameReader } from './edge-frame.codec.ts';
export { LiveEdgeError } from './errors.ts';
export type { EdgeBeat, EdgeFrame, EdgeMessage, EdgePart, EdgeRun, EdgeSegment, EdgeTrack } from './messages.ts';
