import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { OperatingError } from '#kernel';
import type { ProcessRunner } from '#ports';
import { decodeArguments, grayFd, pictureFd, soundFd, type TileSize } from './sample-plan.core.ts';

export interface StretchMedia {
  /** Initialisation and one fragment of each segment, in order; empty without a picture. */
  readonly picture: readonly Uint8Array[];
  readonly tile: TileSize | undefined;
  /** Pictures of the image; as many as there are segments where it is not said. */
  readonly columns?: number | undefined;
  /** Initialisation and segments; empty without sound. */
  readonly sound: readonly Uint8Array[];
}

export interface DecodedStretch {
  /** JPEG; empty where there was no picture. */
  readonly image: Uint8Array;
  readonly gray: Uint8Array;
  readonly samples: Uint8Array;
}

export interface StretchDecoderInit {
  /** ffmpeg. */
  readonly program: string;
  /** For the sound, which does not fit through the same pipe; emptied at the start. */
  readonly folder: string;
}

/** A decoder that takes longer hangs. */
const decodeMsMax = 10_000;
/** Of one output: more than 16 pictures of 256 lines, or a minute of sound. */
const outputBytesMax = 4_000_000;

/** Streams go before what looks at them. */
const niceness = 10;

/** Decodes stretches of streams, each by a process of its own that ends with it. */
export class StretchDecoder {
  readonly #init: StretchDecoderInit;
  readonly #runner: ProcessRunner;
  #files = 0;

  constructor(init: StretchDecoderInit, runner: ProcessRunner) {
    this.#init = init;
    this.#runner = runner;
  }

  /** Removes what a process that was killed has left. */
  async sweep(): Promise<void> {
    await rm(this.#init.folder, { recursive: true, force: true });
    await mkdir(this.#init.folder, { recursive: true });
  }

  /** @throws OperatingError `PROGRAM_FAILED` with the decoder's last line */
  async decode({ picture, tile, columns, sound }: StretchMedia): Promise<DecodedStretch> {
    const soundPath = sound.length === 0 ? undefined : join(this.#init.folder, `${this.#files++ % 1000}.mp4`);
    if (soundPath !== undefined) await writeFile(soundPath, Buffer.concat(sound));
    try {
      return await this.#run(decodeArguments({ tile, pictures: Math.max(1, picture.length - 1), columns, soundPath }), picture);
    } finally {
      if (soundPath !== undefined) await rm(soundPath, { force: true });
    }
  }

  async #run(argv: readonly string[], input: readonly Uint8Array[]): Promise<DecodedStretch> {
    const running = await this.#runner.start({ program: this.#init.program, argv, outputs: [pictureFd, grayFd, soundFd], niceness });
    const timer = setTimeout(() => void running.kill(), decodeMsMax);
    const read = async (fd: number): Promise<Uint8Array> => {
      const chunks: Uint8Array[] = [];
      let length = 0;
      for await (const chunk of running.output(fd)) if ((length += chunk.length) <= outputBytesMax) chunks.push(chunk);
      return Buffer.concat(chunks);
    };
    try {
      const outputs = Promise.all([read(pictureFd), read(grayFd), read(soundFd)]);
      for (const bytes of input) await running.write(bytes);
      running.endInput();
      const [image, gray, samples] = await outputs;
      const { code, lastLines } = await running.exited;
      if (code === 0) return { image, gray, samples };
      throw new OperatingError(`The decoder ended with ${code ?? 'a signal'}: ${lastLines.at(-1) ?? 'it did not say why'}`, {
        code: 'PROGRAM_FAILED',
        retryable: true,
      });
    } finally {
      clearTimeout(timer);
    }
  }
}
