import { ServerSession, serverSessionLimits, SlabPool } from '#core/rtmp';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Socket } from 'node:net';

/**
 * Records what a real ffmpeg sends when it publishes, for the transcripts in libs/core/rtmp/fixtures. Run it again for a
 * newer ffmpeg: `node dist/test/interop/rtmp-record.js libs/core/rtmp/fixtures`.
 */
interface Recording {
  readonly name: string;
  readonly chunkBytes: number;
  readonly app: string;
  readonly arguments: readonly string[];
}

const picture = ['-f', 'lavfi', '-i', 'testsrc2=size=160x90:rate=15'];
const tone = ['-f', 'lavfi', '-i', 'sine=frequency=440:sample_rate=44100'];
const video = ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-g', '15', '-b:v', '100k'];
const audio = ['-c:a', 'aac', '-b:a', '32k'];
const both = [...picture, ...tone, '-t', '2', ...video, ...audio];

const recordings: readonly Recording[] = [
  { name: 'ffmpeg-av', chunkBytes: 65_536, app: 'live/', arguments: both },
  { name: 'ffmpeg-chunks-of-128', chunkBytes: 128, app: 'live/', arguments: both },
  { name: 'ffmpeg-after-five-hours', chunkBytes: 1000, app: 'live/', arguments: [...both, '-output_ts_offset', '18000'] },
  { name: 'ffmpeg-audio-only', chunkBytes: 4096, app: 'live/', arguments: [...tone, '-t', '1', ...audio] },
  { name: 'ffmpeg-mp3', chunkBytes: 4096, app: 'live/', arguments: [...picture, ...tone, '-t', '1', ...video, '-c:a', 'libmp3lame'] },
  { name: 'ffmpeg-wrong-app', chunkBytes: 4096, app: 'other/', arguments: both },
];

function serve(socket: Socket, chunkBytes: number, keep: (bytes: Buffer) => void): void {
  const session = new ServerSession({ app: 'live', pool: new SlabPool(), seed: 1, limits: { ...serverSessionLimits, chunkBytes } }, Date.now());
  const step = (input: Parameters<ServerSession['step']>[0]): void => {
    for (const effect of session.step(input, Date.now())) {
      if (effect.kind === 'send') socket.write(effect.bytes);
      if (effect.kind === 'media') effect.tag.release();
      if (effect.kind === 'publish') setImmediate(() => step({ kind: 'publish-accepted' }));
      if (effect.kind === 'close') socket.end();
    }
  };
  socket.on('error', () => undefined);
  socket.on('data', (bytes) => {
    keep(bytes);
    step({ kind: 'bytes', bytes });
  });
}

async function record(recording: Recording): Promise<Uint8Array> {
  const parts: Buffer[] = [];
  const server = createServer((socket) => serve(socket, recording.chunkBytes, (bytes) => parts.push(Buffer.from(bytes))));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `rtmp://127.0.0.1:${(server.address() as AddressInfo).port}/${recording.app}st-aaaaaaaa-${'b'.repeat(26)}`;
  const child = spawn('ffmpeg', ['-hide_banner', '-loglevel', 'error', '-flags', 'bitexact', ...recording.arguments, '-f', 'flv', url], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  await once(child, 'exit');
  server.close();
  return Buffer.concat(parts);
}

const folder = process.argv[2] ?? 'libs/core/rtmp/fixtures';
mkdirSync(folder, { recursive: true });
for (const recording of recordings) {
  const bytes = await record(recording);
  writeFileSync(`${folder}/${recording.name}.bin`, bytes);
  process.stdout.write(`${recording.name} ${bytes.length}\n`);
}
