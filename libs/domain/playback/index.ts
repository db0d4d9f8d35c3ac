export { audienceOf, type Audience, type PlaybackFigures } from './audience.core.ts';
export { playbacksProjection, playbackSessionTable } from './playback.projection.ts';
