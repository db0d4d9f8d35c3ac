export { renderMedia } from './media-playlist.core.ts';
export { iFramesSuffix, renderMultivariant } from './multivariant-playlist.core.ts';
export {
  skipBoundaryTargets,
  targetDurationOf,
  type MediaPlaylist,
  type MultivariantPlaylist,
  type PlaylistRendition,
  type PlaylistSegment,
} from './playlist.ts';
