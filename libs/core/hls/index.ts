export { dateTime } from './date-time.ts';
export { renderMedia } from './media-playlist.core.ts';
export { renderMultivariant } from './multivariant-playlist.core.ts';
export {
  skipBoundaryTargets,
  targetDurationOf,
  type MediaPlaylist,
  type MultivariantPlaylist,
  type PlaylistRendition,
  type PlaylistSegment,
} from './playlist.ts';
