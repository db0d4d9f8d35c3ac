export type { Checksum } from './checksum.types.ts';
export { encodeFrame, framePayloadMax, readFrames } from './frame.codec.ts';
export { GhostList } from './ghost-list.core.ts';
export { hashKey, type KeyHash } from './key-hash.core.ts';
export { decodePlaces, encodePlaces, placeBytes } from './place.codec.ts';
export { decodeRecord, encodeRecord, recordBytes, recordPrefixBytes, type ReadRecord, type RecordParts } from './record.codec.ts';
export { RecordIndex, type RecordPlace } from './record-index.core.ts';
