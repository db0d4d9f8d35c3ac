import type { ByteSource } from './exchange.ts';

export interface BodyPace {
  /** Between two pieces, ms. */
  readonly silenceMs: number;
  /** From here on the mean counts, ms. */
  readonly graceMs: number;
  /** On the mean since the first look, bytes per second. */
  readonly rateMin: number;
}

/** A client that sends its body so slowly that it only holds a place. */
export class SlowBodyError extends Error {
  override readonly name = 'SlowBodyError';
}

/** A request body that has to keep moving: over HTTP/2 and 3 no server's own time limit sees one that drips. Time that the reader takes is not counted. */
export function paced(body: ByteSource, { graceMs, rateMin, silenceMs }: BodyPace, now: () => number): ByteSource {
  let [bytes, waitedMs] = [0, 0];
  return {
    read: async () => {
      const sinceMs = now();
      let timer: NodeJS.Timeout | undefined;
      const silence = new Promise<never>((_resolve, reject) => {
        timer = setTimeout(() => reject(new SlowBodyError(`Nothing came for ${silenceMs} ms.`)), silenceMs);
      });
      try {
        const piece = await Promise.race([body.read(), silence]);
        waitedMs += now() - sinceMs;
        bytes += piece?.length ?? 0;
        if (piece !== undefined && waitedMs > graceMs && bytes * 1000 < rateMin * waitedMs)
          throw new SlowBodyError(`Less than ${rateMin} bytes a second came.`);
        return piece;
      } catch (error) {
        if (error instanceof SlowBodyError) body.cancel();
        throw error;
      } finally {
        clearTimeout(timer);
      }
    },
    cancel: () => body.cancel(),
  };
}
