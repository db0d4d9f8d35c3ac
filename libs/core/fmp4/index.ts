export { type KeyFrameSource } from './cut-finder.core.ts';
export { Fmp4Error, type Fmp4ErrorCode } from './errors.ts';
export { isSync, type Fragment, type Sample } from './fragment.core.ts';
export { writeFragment, type FragmentWriterInput } from './fragment-writer.core.ts';
export { type SampleDefaults, type TrackInit } from './init.core.ts';
export { partDurationUs, type CutSegment, type KeyFrameRange, type PartialSegment, type SegmenterRendition } from './rendition-cutter.core.ts';
export { readSampleEntry, type SampleEntry } from './sample-entry.core.ts';
export { Segmenter, type ProducedSegment, type SegmenterInit, type SegmentGroup } from './segmenter.core.ts';
export { Fmp4Splitter, type Fmp4Part, type Fmp4SplitterInit } from './splitter.core.ts';
