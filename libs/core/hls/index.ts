export { renderMedia } from './media-playlist.core.ts';
export { renderMultivariant } from './multivariant-playlist.core.ts';
export { targetDurationOf, type MediaPlaylist, type MultivariantPlaylist, type PlaylistRendition, type PlaylistSegment } from './playlist.ts';
