export { playbacksProjection, playbackSessionTable } from './playback.projection.ts';
