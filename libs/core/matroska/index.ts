export { MatroskaWriter, type AudioTrack, type MatroskaCodec, type MatroskaFrame, type MatroskaTrack, type VideoTrack } from './matroska-writer.core.ts';
