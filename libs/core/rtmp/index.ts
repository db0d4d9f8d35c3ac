export { ChunkReader, type ChunkReaderInit, type RtmpMessage } from './chunk-reader.core.ts';
export { ChunkWriter, type OutgoingMessage } from './chunk-writer.core.ts';
export { decodeCommand, encodeCommand, type Command } from './command.codec.ts';
export { encodeSetDataFrame, scriptBodyOf } from './data-message.codec.ts';
export { RtmpError, type RtmpErrorCode } from './errors.ts';
export { GopCache } from './gop-cache.core.ts';
export { MediaRing, type RingGroup, type RingInput, type RingPiece } from './media-ring.core.ts';
export { handshakeBytes, rtmpVersion } from './handshake.core.ts';
export { publishPathOf, type PublishPath } from './publish-path.core.ts';
export type { Status } from './replies.core.ts';
export { messageType } from './rtmp.constants.ts';
export { ServerSession } from './server-session.core.ts';
export {
  serverSessionLimits,
  type MediaMessage,
  type ServerSessionEffect,
  type ServerSessionInit,
  type ServerSessionInput,
  type ServerSessionLimits,
  type SessionCounts,
} from './session.types.ts';
export { encodeSetChunkSize, decodeSetChunkSize } from './set-chunk-size.codec.ts';
export { SlabPool, type Slab, type SlabPoolInit } from './slab-pool.core.ts';
export { Arena, TagBuffer, type SlabPart } from './tag-buffer.core.ts';
