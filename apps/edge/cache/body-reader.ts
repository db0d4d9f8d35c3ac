import type { GrowingBody } from '#core/http-cache';
import type { ByteSource } from '../server/exchange.ts';

/** A reader of a growing body, from `first` up to `end` (exclusive), at its client's pace. */
export function readerOf(body: GrowingBody, onBytes: (count: number) => void, first = 0, end = Number.MAX_SAFE_INTEGER): ByteSource {
  const cursor = body.join(first);
  const leave = (): void => body.leave(cursor);
  return {
    cancel: leave,
    read: async () => {
      for (;;) {
        const change = Promise.withResolvers<void>();
        const reading = body.read(cursor, end, change.resolve);
        if (reading.kind === 'bytes') {
          onBytes(reading.bytes.length);
          return reading.bytes;
        }
        if (reading.kind === 'wait') {
          await change.promise;
          continue;
        }
        leave();
        if (reading.kind === 'failed') throw reading.error;
        return undefined;
      }
    },
  };
}

/** Resolves with what is waited for, or when the time is over; rejects if that is over in time with an error. */
export async function atMost(waited: Promise<void>, ms: number): Promise<void> {
  const over = Promise.withResolvers<void>();
  const timer = setTimeout(over.resolve, ms);
  await Promise.race([waited, over.promise]).finally(() => clearTimeout(timer));
}

/** Resolves when the body is complete; rejects with what broke it off. */
export async function wholeOf(body: GrowingBody): Promise<void> {
  const cursor = body.join();
  try {
    for (;;) {
      const change = Promise.withResolvers<void>();
      const reading = body.read(cursor, Number.MAX_SAFE_INTEGER, change.resolve);
      if (reading.kind === 'wait') await change.promise;
      if (reading.kind === 'failed') throw reading.error;
      if (reading.kind === 'end') return;
    }
  } finally {
    body.leave(cursor);
  }
}
