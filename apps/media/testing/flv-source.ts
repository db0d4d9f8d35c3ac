import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { FlvReader, tagType, videoPayload, type FlvTag } from '#core/flv';

const run = promisify(execFile);

export interface FlvSourceInit {
  readonly folder: string;
  readonly seconds: number;
  readonly size?: string;
  readonly rate?: string;
  /** Frames between key frames. */
  readonly groupFrames?: number;
  readonly video?: boolean;
  readonly audio?: boolean;
  /** Of the sound; 2 by default. */
  readonly channels?: number;
}

/**
 * What a publisher would send, by a real encoder, with B-frames and sound at 44.1 kHz: at each full second a white flash
 * and a beep of 0.1 s, so that a viewer's clock and lip-sync can be read off.
 */
export async function flvSource({
  folder,
  seconds,
  size = '320x180',
  rate = '30',
  groupFrames = 60,
  video = true,
  audio = true,
  channels = 2,
}: FlvSourceInit): Promise<readonly FlvTag[]> {
  const path = join(folder, `source-${size}-${rate}-${seconds}-${video}-${audio}-${channels}.flv`.replaceAll('/', '_'));
  const picture = ['-f', 'lavfi', '-i', `color=black:size=${size}:rate=${rate},drawbox=color=white:t=fill:enable='lt(mod(t+0.001,1),0.1)'`];
  const sound = ['-f', 'lavfi', '-i', "aevalsrc='if(lt(mod(t,1),0.1),0.8*sin(2*PI*1000*t),0)':s=44100"];
  const videoCodec = ['-c:v', 'libx264', '-preset', 'ultrafast', '-bf', '2', '-g', `${groupFrames}`, '-sc_threshold', '0'];
  const audioCodec = ['-c:a', 'aac', '-b:a', '96k', '-ac', `${channels}`];
  const argv = [
    '-v',
    'error',
    '-y',
    ...(video ? picture : []),
    ...(audio ? sound : []),
    '-t',
    `${seconds}`,
    ...(video ? videoCodec : []),
    ...(audio ? audioCodec : []),
    '-f',
    'flv',
    path,
  ];
  await run('ffmpeg', argv);
  return new FlvReader().push(new Uint8Array(await readFile(path)));
}

/** When the first picture is shown, ms of the session. */
export function firstShownMs(tags: readonly FlvTag[]): number {
  const first = tags.find(({ type, body }) => type === tagType.video && body[1] === 1);
  return first === undefined ? Number.NaN : first.timestampMs + videoPayload(first.body).compositionMs;
}
