import { ServerSession, serverSessionLimits, SlabPool } from '#core/rtmp';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { ObsStudio, type ObsSettings } from './obs/obs-studio.ts';

/**
 * Records what real encoders send when they publish, for the transcripts in libs/core/rtmp/fixtures. Run it again for newer
 * ones, or for some by their names: `node dist/test/interop/rtmp-record.js libs/core/rtmp/fixtures ffmpeg-av obs`.
 */
interface Recording {
  readonly name: string;
  /** Chunk size that the server announces. */
  readonly chunkBytes: number;
  /** Publishes to the address until it is done. */
  publish(url: string): Promise<void>;
}

async function ends(program: string, args: readonly string[]): Promise<void> {
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  await once(child, 'exit');
}

const picture = ['-f', 'lavfi', '-i', 'testsrc2=size=160x90:rate=15'];
const tone = ['-f', 'lavfi', '-i', 'sine=frequency=440:sample_rate=44100'];
const video = ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-g', '15', '-b:v', '100k'];
const audio = ['-c:a', 'aac', '-b:a', '32k'];
const both = [...picture, ...tone, '-t', '2', ...video, ...audio];
const second = [...picture, ...tone, '-t', '1'];

function ffmpeg(name: string, args: readonly string[], { chunkBytes = 4096, app = 'live' } = {}): Recording {
  const publish = (url: string): Promise<void> =>
    ends('ffmpeg', ['-hide_banner', '-loglevel', 'error', '-flags', 'bitexact', ...args, '-f', 'flv', url.replace('/live/', `/${app}/`)]);
  return { name, chunkBytes, publish };
}

const pattern = 'videotestsrc num-buffers=30 ! video/x-raw,width=160,height=90,framerate=15/1 ! x264enc bitrate=100 key-int-max=15 speed-preset=ultrafast';
const beep = 'audiotestsrc num-buffers=86 samplesperbuffer=1024 ! audio/x-raw,rate=44100,channels=1 ! audioconvert';

function gstreamer(name: string, pipeline: string, chunkBytes = 4096): Recording {
  return { name, chunkBytes, publish: (url) => ends('gst-launch-1.0', ['-q', ...pipeline.replace('URL', url).split(' ')]) };
}

/** OBS Studio for a second, then ended as its user ends it. */
function obs(name: string, settings: ObsSettings = {}, chunkBytes = 60_000): Recording {
  return { name, chunkBytes, publish: (url) => obsPublishes(url, settings) };
}

async function obsPublishes(url: string, settings: ObsSettings): Promise<void> {
  const studio = await ObsStudio.start(settings);
  const [server = '', key = ''] = /^(.*)\/([^/]+)$/.exec(url)?.slice(1) ?? [];
  await studio.publish(server, key);
  await new Promise((resolve) => setTimeout(resolve, 1500));
  await studio.unpublish();
  await studio.stop();
}

const recordings: readonly Recording[] = [
  ffmpeg('ffmpeg-av', both, { chunkBytes: 65_536 }),
  ffmpeg('ffmpeg-chunks-of-128', both, { chunkBytes: 128 }),
  ffmpeg('ffmpeg-after-five-hours', [...both, '-output_ts_offset', '18000'], { chunkBytes: 1000 }),
  ffmpeg('ffmpeg-audio-only', [...tone, '-t', '1', ...audio]),
  ffmpeg('ffmpeg-mp3', [...second, ...video, '-c:a', 'libmp3lame']),
  ffmpeg('ffmpeg-wrong-app', both, { app: 'other' }),
  ffmpeg('ffmpeg-video-only', [...picture, '-t', '1', ...video]),
  ffmpeg('ffmpeg-b-frames', [...second, ...video, '-bf', '3', ...audio]),
  ffmpeg('ffmpeg-intra-only', [...second, ...video, '-g', '1', ...audio]),
  ffmpeg('ffmpeg-open-gop', [...second, ...video, '-bf', '2', '-x264-params', 'open-gop=1', ...audio]),
  ffmpeg('ffmpeg-slices', [...second, ...video, '-slices', '4', ...audio]),
  ffmpeg('ffmpeg-variable-rate', [...second, '-vf', "select='not(eq(mod(n,5),3))'", '-fps_mode', 'vfr', ...video, ...audio]),
  ffmpeg('ffmpeg-5.1-sound', [...second, ...video, ...audio, '-ac', '6']),
  ffmpeg('ffmpeg-mono-8-khz', [...second, ...video, ...audio, '-ac', '1', '-ar', '8000']),
  ffmpeg('ffmpeg-48-khz', [...second, ...video, ...audio, '-ar', '48000']),
  ffmpeg('ffmpeg-no-metadata', [...second, ...video, ...audio, '-flvflags', 'no_metadata']),
  ffmpeg('ffmpeg-no-end-of-sequence', [...second, ...video, ...audio, '-flvflags', 'no_sequence_end']),
  ffmpeg('ffmpeg-titled', [...second, ...video, ...audio, '-metadata', 'title=Größe “1” 東京', '-metadata', 'author=a'.padEnd(400, 'b')]),
  ffmpeg('ffmpeg-as-fmle', [...second, ...video, ...audio, '-rtmp_flashver', 'FMLE/3.0 (compatible; FMSc/1.0)']),
  ffmpeg('ffmpeg-with-page', [...second, ...video, ...audio, '-rtmp_swfurl', 'https://example.com/a.swf', '-rtmp_pageurl', 'https://example.com/watch?v=1']),
  ffmpeg('ffmpeg-with-arguments', [...second, ...video, ...audio, '-rtmp_conn', 'S:token B:1 N:7.5 O:1 NS:name:x O:0']),
  ffmpeg('ffmpeg-after-49-days', [...both, '-output_ts_offset', '4294966'], { chunkBytes: 2000 }),
  ffmpeg('ffmpeg-sorenson', [...second, '-c:v', 'flv', '-b:v', '100k', ...audio]),
  ffmpeg('ffmpeg-screen-video', [...second, '-c:v', 'flashsv', ...audio]),
  ffmpeg('ffmpeg-nellymoser', [...second, ...video, '-c:a', 'nellymoser']),
  ffmpeg('ffmpeg-speex', [...second, ...video, '-c:a', 'libspeex', '-ar', '16000', '-ac', '1']),
  ffmpeg('ffmpeg-pcm', [...second, ...video, '-c:a', 'pcm_s16le']),
  ffmpeg('ffmpeg-adpcm', [...second, ...video, '-c:a', 'adpcm_swf']),
  gstreamer('gstreamer', `${pattern} ! h264parse ! m. ${beep} ! avenc_aac ! aacparse ! m. flvmux name=m streamable=true ! rtmp2sink location=URL`),
  gstreamer('gstreamer-mp3', `${pattern} ! h264parse ! m. ${beep} ! lamemp3enc ! mpegaudioparse ! m. flvmux name=m streamable=true ! rtmp2sink location=URL`),
  gstreamer('gstreamer-video-only', `${pattern} ! h264parse ! flvmux streamable=true ! rtmp2sink location=URL`, 128),
  gstreamer('librtmp', `${pattern} ! h264parse ! m. ${beep} ! avenc_aac ! aacparse ! m. flvmux name=m streamable=true ! rtmpsink location=URL`),
  gstreamer('librtmp-chunks-of-128', `${pattern} ! h264parse ! flvmux streamable=false ! rtmpsink location=URL`, 128),
  obs('obs'),
  obs('obs-60-fps', { frameRate: 60, videoKbps: 300 }),
  obs('obs-b-frames', { videoKbps: 300, x264: 'bframes=3 b-adapt=2 ref=3 rc-lookahead=20' }),
  obs('obs-intra-refresh', { videoKbps: 300, x264: 'intra-refresh=1 bframes=0 slices=4' }),
  obs('obs-mono-44-khz', { videoKbps: 300, sampleRate: 44_100, channels: 'Mono' }, 128),
  obs('obs-surround', { videoKbps: 300, channels: '5.1' }),
  obs('obs-with-password', { videoKbps: 300, login: { username: 'producer', password: 'only for this test' } }),
];

function serve(socket: Socket, chunkBytes: number, keep: (bytes: Buffer) => void): void {
  const session = new ServerSession({ app: 'live', pool: new SlabPool(), seed: 1, limits: { ...serverSessionLimits, chunkBytes } }, Date.now());
  const step = (input: Parameters<ServerSession['step']>[0]): void => {
    for (const effect of session.step(input, Date.now())) {
      if (effect.kind === 'send') socket.write(effect.bytes);
      if (effect.kind === 'media') effect.tag.release();
      if (effect.kind === 'publish') setImmediate(() => step({ kind: 'publish-accepted' }));
      // As the ingest does: who says that it ends hangs up itself.
      if (effect.kind === 'close') setTimeout(() => socket.end(), effect.error === undefined ? 500 : 0);
    }
  };
  socket.on('error', () => undefined);
  socket.on('data', (bytes) => {
    keep(bytes);
    step({ kind: 'bytes', bytes });
  });
}

async function record({ chunkBytes, publish }: Recording): Promise<Uint8Array> {
  const parts: Buffer[] = [];
  const server = createServer((socket) => serve(socket, chunkBytes, (bytes) => parts.push(Buffer.from(bytes))));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  await publish(`rtmp://127.0.0.1:${(server.address() as AddressInfo).port}/live/st-aaaaaaaa-${'b'.repeat(26)}`);
  server.close();
  return Buffer.concat(parts);
}

const [folder = 'libs/core/rtmp/fixtures', ...names] = process.argv.slice(2);
mkdirSync(folder, { recursive: true });
for (const recording of recordings) {
  if (names.length > 0 && !names.includes(recording.name)) continue;
  const bytes = await record(recording);
  writeFileSync(`${folder}/${recording.name}.bin`, bytes);
  process.stdout.write(`${recording.name} ${bytes.length}\n`);
}
