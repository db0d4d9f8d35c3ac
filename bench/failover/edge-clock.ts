import type { EdgeMessage } from '#core/live-edge';
import type { Platform } from '../../test/constellation/platform.ts';
import { followEdge } from '../ll-hls/follow-edge.ts';

/** What happened on the way from a death to the next picture, ms since the Unix epoch. */
export interface Steps {
  /** An encoder was planned. */
  readonly runAt?: number;
  /** Its first part of the picture left the packager. */
  readonly partAt?: number;
  /** The first segment after the death was on the log. */
  readonly segmentAt?: number;
}

/** When a stream's packager told what, for one death after the other. */
export class EdgeClock {
  readonly #rendition: string;
  #steps: { runAt?: number; partAt?: number; segmentAt?: number } = {};
  #run = '';
  leave = (): void => {};

  private constructor(rendition: string) {
    this.#rendition = rendition;
  }

  static async follow(platform: Platform, streamId: string, rendition: string): Promise<EdgeClock> {
    const clock = new EdgeClock(rendition);
    clock.leave = await followEdge(platform, streamId, (message) => clock.#take(message));
    return clock;
  }

  get steps(): Steps {
    return this.#steps;
  }

  /** Somebody dies now. */
  restart(): void {
    this.#steps = {};
    this.#run = '';
  }

  #take(message: EdgeMessage): void {
    const now = Date.now();
    if (message.kind === 'run') {
      this.#steps.runAt = now;
      this.#run = message.run;
    } else if (message.kind !== 'beat' && message.rendition === this.#rendition && message.run === this.#run) {
      if (message.kind === 'part') this.#steps.partAt ??= now;
      else this.#steps.segmentAt ??= now;
    }
  }
}
