export { probeFfmpeg, type FfmpegCapabilities, type FfmpegProbeInit } from './ffmpeg-probe.ts';
export { NodeProcessRunner, type NodeProcessRunnerInit } from './node-process-runner.adapter.ts';
