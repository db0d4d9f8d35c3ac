export { encoderArguments, inputContainer, type EncoderInput, type EncoderOutput, type EncoderPlan } from './encoder-arguments.core.ts';
export { constantRate, valueOf } from './frame-rate.core.ts';
export { boundBySource, carriedBandwidth, carriedSoundUnknown, encodedSoundBandwidth, planRenditions, scaledSize, type LadderInput } from './ladder.core.ts';
export type { AudioRendition, FrameRate, Ladder, PlannedRendition, Rung, SourceAudio, SourceInfo, SourceVideo, VideoCodec, VideoRendition } from './plan.ts';
export { ProgressReader, type EncoderProgress } from './progress.core.ts';
export { defaultVaapiDevice, encoderKinds, encoderName, presets, trialArguments, type EncoderKind, type Preset } from './video-encoder.core.ts';
export { blamedOutputs } from './blamed-outputs.core.ts';
