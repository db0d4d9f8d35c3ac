import { fork, type ChildProcess } from 'node:child_process';
import { OperatingError } from '#kernel';
import type { DecodedStretch, StretchMedia } from './stretch-decoder.ts';

export interface DecoderProcessInit {
  /** ffmpeg. */
  readonly program: string;
  /** For what does not fit through a pipe; emptied at the start. */
  readonly folder: string;
  /** For the records of decoders that run. */
  readonly runPath: string;
}

/** Sent to the process. */
export interface DecoderQuestion {
  readonly id: number;
  readonly media: StretchMedia;
}

/** What it says to it. */
export interface DecoderAnswer {
  readonly id: number;
  readonly decoded?: DecodedStretch;
  readonly failure?: string;
  readonly retryable?: boolean;
}

interface Waiting {
  readonly resolve: (decoded: DecodedStretch) => void;
  readonly reject: (error: Error) => void;
}

/**
 * Decodes stretches by a small process of its own, which begins the decoders. To begin a process the system copies the tables
 * of the memory of whoever begins it: a packager of hundreds of streams stood still for 25 ms with 600 MB (and 2 ms with none),
 * about once a second. One that ends is begun anew for whoever asks next.
 */
export class DecoderProcess {
  readonly #init: DecoderProcessInit;
  readonly #waiting = new Map<number, Waiting>();
  #child: ChildProcess | undefined;
  #asked = 0;

  /** Begins it while this process is still small. */
  constructor(init: DecoderProcessInit) {
    this.#init = init;
    this.#child = this.#begin();
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** @throws OperatingError `PROGRAM_FAILED` with the decoder's last line, or because the process ended */
  decode(media: StretchMedia): Promise<DecodedStretch> {
    const child = (this.#child ??= this.#begin());
    const id = this.#asked++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      child.send({ id, media } satisfies DecoderQuestion, (error) => {
        if (error !== null) this.#settle({ id, failure: error.message });
      });
    });
  }

  close(): void {
    const child = this.#child;
    this.#child = undefined;
    if (child?.connected === true) child.disconnect();
  }

  #begin(): ChildProcess {
    const { program, folder, runPath } = this.#init;
    const main = new URL('./decoder.main.js', import.meta.url).pathname;
    const child = fork(main, [program, folder, runPath], { serialization: 'advanced', stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    // Nobody is kept alive by it; whoever waits for an answer has something else to wait for.
    child.unref();
    child.channel?.unref();
    child.on('message', (answer: DecoderAnswer) => this.#settle(answer));
    child.on('error', () => this.#ended(child));
    child.on('exit', () => this.#ended(child));
    return child;
  }

  #settle({ id, decoded, failure = 'it did not say why', retryable = true }: DecoderAnswer): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (decoded !== undefined) waiting?.resolve(decoded);
    else waiting?.reject(new OperatingError(`A stretch was not decoded: ${failure}`, { code: 'PROGRAM_FAILED', retryable }));
  }

  #ended(child: ChildProcess): void {
    if (this.#child === child) this.#child = undefined;
    for (const id of [...this.#waiting.keys()]) this.#settle({ id, failure: 'the process of the decoders ended' });
  }
}
