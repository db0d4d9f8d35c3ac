import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { GetObjectCommand } from '@aws-sdk/client-s3';
import type { ByteRange } from '#ports';
import { jitteredPauseMs, transferMs, withRetries } from './retries.ts';
import { isMissing, notFound, rangeInvalid, told, translated } from './s3-errors.ts';
import type { S3Place } from './s3-place.ts';

/** Tries that bring no byte, before the store counts as down. */
const emptyTriesMax = 6;

interface OpenBody {
  readonly body: Readable;
  /** Bytes from where it was opened to the end that was asked for. */
  readonly bytes: number;
}

export interface Pace {
  /** Ends a download that is slower than a store that works; not where the taker sets the pace. */
  readonly isHurried: boolean;
}

/** The bytes of an object in order. A body that breaks in the middle is opened again where it broke. */
export async function* download(place: S3Place, cid: string, range: ByteRange | undefined, pace: Pace): AsyncGenerator<Uint8Array> {
  const begun = performance.now();
  let taken = 0;
  let left: number | undefined;
  for (let emptyTries = 0; left !== 0;) {
    const opened = await withRetries(place, (signal) => open(place, cid, range, taken, signal));
    left ??= opened.bytes;
    try {
      for await (const chunk of opened.body as AsyncIterable<Buffer>) {
        taken += chunk.length;
        left -= chunk.length;
        emptyTries = 0;
        if (pace.isHurried && performance.now() - begun > place.deadlineMs + transferMs(taken)) throw new TooSlow();
        yield chunk;
      }
      if (left > 0) throw new Error('the answer ended too early');
    } catch (error) {
      if (error instanceof TooSlow || ++emptyTries > emptyTriesMax) throw translated(error, place);
      await sleep(jitteredPauseMs(emptyTries));
    } finally {
      opened.body.destroy();
    }
  }
}

class TooSlow extends Error {
  constructor() {
    super('it sends too slowly');
  }
}

async function open(place: S3Place, cid: string, range: ByteRange | undefined, taken: number, abortSignal: AbortSignal): Promise<OpenBody> {
  const first = (range?.first ?? 0) + taken;
  const last = range?.last ?? '';
  const Range = range === undefined && taken === 0 ? undefined : `bytes=${first}-${last}`;
  const command = new GetObjectCommand({ Bucket: place.bucket, Key: place.prefix + cid, Range });
  try {
    const { Body, ContentLength, $metadata } = await untilAnswered(abortSignal, (answered) => place.client.send(command, { abortSignal: answered }));
    const body = Body as Readable;
    if (Range !== undefined && $metadata.httpStatusCode !== 206) {
      body.destroy();
      throw new Error('the store sent the whole blob where a range was asked for');
    }
    return { body, bytes: ContentLength ?? 0 };
  } catch (error) {
    if (isMissing(error)) throw notFound(cid);
    if (told(error).status === 416 && range !== undefined) throw rangeInvalid(cid, range.first, range.last);
    throw error;
  }
}

/** Hands a signal on until the answer begins: how long its body takes is judged by its bytes. */
async function untilAnswered<T>(signal: AbortSignal, act: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const own = new AbortController();
  const giveUp = (): void => own.abort(signal.reason);
  signal.addEventListener('abort', giveUp, { once: true });
  try {
    return await act(own.signal);
  } finally {
    signal.removeEventListener('abort', giveUp);
  }
}
