export { parseAacConfig, type AacConfig } from './aac.codec.ts';
export { amfDepthMax, amfValuesMax, decodeAmf0, encodeAmf0, encodeAmf0Script, type AmfObject, type AmfValue } from './amf0.codec.ts';
export { parseAvcConfig, parseSequenceParameterSet, type AvcConfig, type AvcSequenceParameters } from './avc.codec.ts';
export { ByteWriter } from './byte-writer.core.ts';
export { FlvError, type FlvErrorCode } from './errors.ts';
export { FlvReader, type FlvReaderInit } from './flv-reader.core.ts';
export {
  encodeFlvHeader,
  encodeTag,
  tagBodyBytesMax,
  tagHeaderBytes,
  tagTrailerBytes,
  tagTrailerByte,
  tagType,
  writeTagHeader,
  type FlvTag,
  type TagType,
} from './flv-tag.codec.ts';
export {
  audioHeader,
  avcHeader,
  isAvc,
  mediaHeaderBytes,
  readAudioHeader,
  readVideoHeader,
  type AudioHeader,
  type PacketKind,
  type VideoHeader,
} from './media-header.codec.ts';
export { decodeMetadata, encodeMetadata, metadataOf, type StreamMetadata } from './metadata.codec.ts';
