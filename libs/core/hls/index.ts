export { judgeReload, type ReloadQuery, type ReloadVerdict, type ReloadView } from './blocking-reload.core.ts';
export { dateRangeTag, rangesWithin, type DateRange } from './date-range.core.ts';
export { gapName, renderMedia } from './media-playlist.core.ts';
export { captionsSuffix, iFramesSuffix, renderMultivariant, soundsInOrder } from './multivariant-playlist.core.ts';
export {
  partTargetsListed,
  skipBoundaryTargets,
  targetDurationOf,
  type CaptionTrack,
  type LowLatency,
  type MediaPlaylist,
  type MultivariantPlaylist,
  type PartialSegments,
  type PlaylistPart,
  type PlaylistRendition,
  type PlaylistSegment,
  type RenditionReport,
} from './playlist.ts';
export { renderImagePlaylist, renderThumbnailTrack, thumbnailsName, type ImagePlaylist, type ThumbnailImage } from './thumbnails.core.ts';
