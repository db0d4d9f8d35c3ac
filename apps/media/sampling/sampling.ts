import type { BlobStore } from '#ports';
import type { FactPublisher, Logger } from '#runtime';
import { DecoderTurns } from './decoder-turns.ts';
import { samplerId, StreamSampler, type StreamSamplerInit } from './stream-sampler.ts';
import type { StretchDecoder } from './stretch-decoder.ts';

export interface SamplingDeps {
  readonly facts: FactPublisher;
  readonly blobs: BlobStore;
  readonly decoder: Pick<StretchDecoder, 'decode'>;
}

/** Figures of a stream every ten seconds are a fifteenth of what its segments are on the log, with three renditions of two seconds. */
const everyMsDefault = 10_000;

/** Looks at all streams of this process, one session of each at a time. */
export class Sampling {
  readonly #deps: SamplingDeps;
  readonly #everyMs: number;
  readonly #turns = new DecoderTurns();
  /** The newest sampler of each stream: the one before may still be telling its last. */
  readonly #newest = new Map<string, StreamSampler>();
  /** Streams that this process works on: their samplers go on where the one before ended. */
  readonly #held = new Set<string>();

  constructor(deps: SamplingDeps, everyMs = everyMsDefault) {
    this.#deps = deps;
    this.#everyMs = everyMs;
  }

  begin(init: Omit<StreamSamplerInit, 'everyMs'>, logger: Logger): StreamSampler {
    const sampler = new StreamSampler({ ...init, everyMs: this.#everyMs }, { ...this.#deps, turns: this.#turns, logger });
    this.#newest.set(init.streamId, sampler);
    this.#held.add(init.streamId);
    return sampler;
  }

  /** In the background: whoever packages the stream next is not kept waiting. */
  end(streamId: string, sampler: StreamSampler): void {
    void sampler.close().finally(() => {
      if (this.#newest.get(streamId) !== sampler) return;
      this.#newest.delete(streamId);
      this.#release(streamId);
    });
  }

  /** Nothing more is told under the stream's lease, but for what is being told. */
  leave(streamId: string): void {
    this.#held.delete(streamId);
    this.#release(streamId);
  }

  #release(streamId: string): void {
    if (!this.#held.has(streamId) && !this.#newest.has(streamId)) this.#deps.facts.release(samplerId(streamId));
  }
}
