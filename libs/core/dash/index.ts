export type { Beginning, DashRendition, DashSegment, DashTrack, Manifest } from './mpd.ts';
export { renderMpd } from './mpd.core.ts';
