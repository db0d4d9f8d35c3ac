import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';

export interface Ended {
  readonly code: number | null;
  readonly output: string;
}

const children = new Set<ChildProcess>();

/** A process of ffmpeg's family; its output is kept, its end awaited. */
export class Tool {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;

  constructor(command: 'ffmpeg' | 'ffprobe', args: readonly string[]) {
    this.child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    children.add(this.child);
    let output = '';
    const keep = (chunk: Buffer): void => {
      output = (output + chunk.toString()).slice(-20_000);
    };
    this.child.stdout?.on('data', keep);
    this.child.stderr?.on('data', keep);
    this.ended = once(this.child, 'close').then(([code]) => {
      children.delete(this.child);
      return { code: code as number | null, output };
    });
  }
}

/** Kills what a failed test left running. */
export function killTools(): void {
  for (const child of children) child.kill('SIGKILL');
}

/** A small picture and a tone, in real time. */
export function publish(url: string, seconds = 30, codecs: readonly string[] = ['-c:v', 'libx264', '-c:a', 'aac']): Tool {
  const inputs = ['-re', '-f', 'lavfi', '-i', 'testsrc2=size=320x180:rate=30', '-re', '-f', 'lavfi', '-i', 'sine=sample_rate=48000'];
  const encode = [...codecs, '-preset', 'ultrafast', '-tune', 'zerolatency', '-pix_fmt', 'yuv420p', '-g', '30', '-b:v', '300k'];
  return new Tool('ffmpeg', ['-hide_banner', '-loglevel', 'warning', ...inputs, '-t', String(seconds), ...encode, '-f', 'flv', url]);
}
