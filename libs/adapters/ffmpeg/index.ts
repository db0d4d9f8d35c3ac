export { probeFfmpeg, type FfmpegCapabilities } from './ffmpeg-probe.ts';
export { NodeProcessRunner, type NodeProcessRunnerInit } from './node-process-runner.adapter.ts';
