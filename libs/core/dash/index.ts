export type { Beginning, DashCaptions, DashImage, DashMarker, DashRendition, DashSegment, DashTrack, Manifest } from './mpd.ts';
export { renderMpd } from './mpd.core.ts';
export { periodSpans } from './periods.core.ts';
export { countedNumber, isOnGrid, staysCounted, type CountedSpan } from './grid.core.ts';
