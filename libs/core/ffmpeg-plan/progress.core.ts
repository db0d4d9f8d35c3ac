/** One report of `-progress`: key=value lines that end with `progress=`. */
export interface EncoderProgress {
  /** Output time of the slowest stream as ffmpeg counts it, microseconds. */
  readonly outTimeUs: number;
  /** Media time over wall time since the start; 0 when not known yet. */
  readonly speed: number;
  readonly droppedFrames: number;
  readonly repeatedFrames: number;
}

/** A line longer than this is no report of ffmpeg's. */
const lineCharsMax = 1024;

/** Reads the text that `-progress` writes, in chunks of any size. */
export class ProgressReader {
  #rest = '';
  #values = new Map<string, string>();

  push(text: string): readonly EncoderProgress[] {
    const lines = (this.#rest + text).split('\n');
    this.#rest = (lines.pop() ?? '').slice(-lineCharsMax);
    return lines.flatMap((line) => this.#line(line.trim()));
  }

  #line(line: string): readonly EncoderProgress[] {
    const at = line.indexOf('=');
    if (at < 1) return [];
    const name = line.slice(0, at);
    if (this.#values.size < 100) this.#values.set(name, line.slice(at + 1).trim());
    if (name !== 'progress') return [];
    const report = {
      outTimeUs: this.#number('out_time_us'),
      speed: this.#number('speed'),
      droppedFrames: this.#number('drop_frames'),
      repeatedFrames: this.#number('dup_frames'),
    };
    this.#values = new Map();
    return [report];
  }

  /** `N/A`, an absent value and nonsense are 0. */
  #number(name: string): number {
    const value = Number.parseFloat(this.#values.get(name) ?? '');
    return Number.isFinite(value) ? value : 0;
  }
}
