import { createReadStream, createWriteStream } from 'node:fs';
import { access, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { OperatingError } from '#kernel';
import type { BlobInfo, BlobStore, ProcessRunner } from '#ports';
import {
  concatList,
  encodeArguments,
  muxArguments,
  posterArguments,
  posterMs,
  probeArguments,
  readProbe,
  type MuxInput,
  type ProbedFile,
  type Run,
  type Track,
} from './recording-plan.core.ts';

export interface RecordingToolsDeps {
  readonly blobs: BlobStore;
  readonly runner: ProcessRunner;
  /** ffmpeg; ffprobe is expected beside it. */
  readonly program: string;
}

/** What ffprobe may say, characters. */
const answerMax = 100_000;

/** Opened by the one who reads it: the failure of a stream that nobody reads yet would end the process. */
async function* bytesOf(path: string): AsyncIterable<Uint8Array> {
  yield* createReadStream(path) as AsyncIterable<Uint8Array>;
}

async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/** Files and programs of one recording, in a folder of its own. */
export class RecordingTools {
  readonly #deps: RecordingToolsDeps;
  readonly #folder: string;
  readonly #signal: AbortSignal;

  constructor(deps: RecordingToolsDeps, folder: string, signal: AbortSignal) {
    this.#deps = deps;
    this.#folder = folder;
    this.#signal = signal;
  }

  /** Fetches the segments and copies them into one file, sounds of several formats encoded to one; answers its path. */
  async mux(tracks: readonly Track[]): Promise<string> {
    const inputs: MuxInput[] = [];
    for (const [number, { kind, language, label, runs }] of tracks.entries()) {
      const fileOf = (at: number): string => `${number}-${at}.mp4`;
      for (const [at, run] of runs.entries()) await this.#part(run, join(this.#folder, fileOf(at)));
      const path = join(this.#folder, `${number}.ffconcat`);
      await writeFile(path, concatList(runs, fileOf));
      inputs.push({ kind, language, label, path, startUs: runs[0]?.startUs ?? 0 });
    }
    const output = join(this.#folder, 'recording.mp4');
    await this.#run(this.#deps.program, muxArguments(inputs, output));
    return output;
  }

  async probe(path: string): Promise<ProbedFile> {
    const beside = join(dirname(this.#deps.program), 'ffprobe');
    await access(beside).catch((cause: unknown) => {
      throw new OperatingError(`There is no ffprobe beside ${this.#deps.program}.`, { code: 'FFPROBE_MISSING', retryable: false, cause });
    });
    return readProbe(await this.#run(beside, probeArguments(path)));
  }

  /** A picture of it; undefined when no picture can be decoded. Where it ends before its sound does, the first one is taken. */
  async poster(path: string, durationMs: number): Promise<string | undefined> {
    const output = join(this.#folder, 'poster.jpg');
    for (const atMs of [posterMs(durationMs), 0]) {
      // Where there is no picture at that time, ffmpeg is content without having written a file.
      await this.#run(this.#deps.program, posterArguments(path, atMs, output));
      if (await isThere(output)) return output;
    }
    return undefined;
  }

  store(path: string): Promise<BlobInfo> {
    return this.#deps.blobs.putStream(bytesOf(path));
  }

  /** A run as the track has it. */
  async #part(run: Run, path: string): Promise<void> {
    if (run.encodedAs === undefined) return this.#fetch(run, path);
    const stored = `${path}.stored`;
    await this.#fetch(run, stored);
    await this.#run(this.#deps.program, encodeArguments(stored, run.encodedAs, path));
    await rm(stored);
  }

  async #fetch({ initCid, segments }: Run, path: string): Promise<void> {
    const { blobs } = this.#deps;
    async function* bytes(): AsyncIterable<Uint8Array> {
      yield* blobs.readStream(initCid);
      for (const { cid } of segments) yield* blobs.readStream(cid);
    }
    await pipeline(Readable.from(bytes()), createWriteStream(path), { signal: this.#signal });
  }

  /** What the program writes to its standard output. @throws OperatingError `PROGRAM_FAILED` with its last line. */
  async #run(program: string, argv: readonly string[]): Promise<string> {
    const running = await this.#deps.runner.start({ program, argv, outputs: [1] });
    const end = (): void => void running.kill();
    this.#signal.addEventListener('abort', end, { once: true });
    if (this.#signal.aborted) end();
    running.endInput();
    const decoder = new TextDecoder();
    let text = '';
    for await (const chunk of running.output(1)) if (text.length < answerMax) text += decoder.decode(chunk, { stream: true });
    const { code, lastLines } = await running.exited;
    this.#signal.removeEventListener('abort', end);
    if (code === 0) return text;
    throw new OperatingError(`${program} ended with ${code ?? 'a signal'}: ${lastLines.at(-1) ?? 'it did not say why'}`, {
      code: 'PROGRAM_FAILED',
      retryable: true,
    });
  }
}
