export { encoderArguments, inputContainer, presets, type EncoderInput, type EncoderOutput, type EncoderPlan, type Preset } from './encoder-arguments.core.ts';
export { constantRate, valueOf } from './frame-rate.core.ts';
export { planRenditions, scaledSize, type LadderInput } from './ladder.core.ts';
export type { AudioRendition, FrameRate, Ladder, PlannedRendition, Rung, SourceAudio, SourceInfo, SourceVideo, VideoRendition } from './plan.ts';
export { ProgressReader, type EncoderProgress } from './progress.core.ts';
