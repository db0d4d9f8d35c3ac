/** @needs ffmpeg gstreamer mpv */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { Platform, until } from '../constellation/platform.ts';

jest.setTimeout(180_000);

const run = promisify(execFile);
const framesWanted = 60;
/** Of GStreamer's pictures, 16 by 16. */
const frameBytes = 16 * 16 * 3;

/** Green all over, so that one pixel tells whether a picture came through. */
function publish(url: string): ChildProcess {
  const picture = 'videotestsrc is-live=true pattern=green ! video/x-raw,width=640,height=360,framerate=30/1 ! x264enc tune=zerolatency speed-preset=ultrafast';
  const sound = 'audiotestsrc is-live=true ! audioconvert ! avenc_aac ! aacparse';
  const pipeline = `${picture} key-int-max=60 bitrate=600 ! h264parse ! m. ${sound} ! m. flvmux name=m streamable=true ! rtmp2sink location=${url}`;
  return spawn('gst-launch-1.0', ['-q', ...pipeline.split(' ')], { stdio: ['ignore', 'ignore', 'inherit'] });
}

async function pixelOf(picture: Buffer | string): Promise<readonly number[]> {
  const input = typeof picture === 'string' ? ['-i', picture] : ['-f', 'rawvideo', '-pix_fmt', 'rgb24', '-s', '16x16', '-i', 'pipe:0'];
  const child = run('ffmpeg', ['-v', 'error', ...input, '-vf', 'scale=1:1', '-frames:v', '1', '-f', 'rawvideo', '-pix_fmt', 'rgb24', 'pipe:1'], {
    encoding: 'buffer',
  });
  if (typeof picture !== 'string') child.child.stdin?.end(picture);
  return [...(await child).stdout];
}

function expectGreen([red = 0, green = 0, blue = 0]: readonly number[]): void {
  expect({ red: red < 110, green: green > 150, blue: blue < 110 }).toEqual({ red: true, green: true, blue: true });
}

describe('from GStreamer to players that are not browsers', () => {
  let platform: Platform;
  let publisher: ChildProcess;
  let folder: string;
  let url: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'streams-players-'));
    platform = await Platform.start();
    const stream = await platform.api<{ id: string; streamKey: string }>('POST', '/api/v1/stream/start', { name: 'Green' });
    publisher = publish(platform.rtmpUrl(stream.streamKey));
    url = `${platform.edgeUrl}/live/${stream.id}/master.m3u8`;
    const segments = async (): Promise<number> => (await (await fetch(url.replace('master', '240p'))).text()).split('#EXTINF').length - 1;
    await until(
      async () => (await segments()) >= 3,
      60_000,
      () => platform.log.slice(-3000),
    );
  });

  afterAll(async () => {
    publisher?.kill('SIGKILL');
    await platform?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  test('mpv plays it', async () => {
    const player = spawn('mpv', ['--no-config', '--ao=null', '--vo=image', `--vo-image-outdir=${folder}/mpv`, `--frames=${framesWanted}`, url]);
    let said = '';
    player.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
    player.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
    const [code] = (await once(player, 'close')) as [number];
    expect(code === 0 ? '' : said).toBe('');
    expect(said).toMatch(/AO: \[null\] 48000Hz stereo/);
    const pictures = await readdir(join(folder, 'mpv'));
    expect(pictures.length).toBeGreaterThanOrEqual(framesWanted);
    expectGreen(await pixelOf(join(folder, 'mpv', pictures.toSorted().at(-1) ?? '')));
  });

  test('GStreamer plays it', async () => {
    const out = join(folder, 'gstreamer.rgb');
    const video = `d. ! queue ! videoconvert ! videoscale ! video/x-raw,format=RGB,width=16,height=16 ! filesink buffer-mode=unbuffered location=${out}`;
    const player = spawn('gst-launch-1.0', ['-q', ...`uridecodebin3 name=d uri=${url} ${video} d. ! queue ! audioconvert ! audio/x-raw ! fakesink`.split(' ')]);
    let said = '';
    player.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
    const frames = async (): Promise<number> => (await stat(out).catch(() => ({ size: 0 }))).size / frameBytes;
    await until(
      async () => (await frames()) >= framesWanted || player.exitCode !== null,
      60_000,
      () => said,
    );
    player.kill('SIGKILL');
    expect(said).toBe('');
    const raw = await readFile(out);
    expect(raw.length / frameBytes).toBeGreaterThanOrEqual(framesWanted);
    expectGreen(await pixelOf(raw.subarray(0, frameBytes)));
  });
});
