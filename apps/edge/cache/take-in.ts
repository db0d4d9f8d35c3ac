import type { GrowingBody } from '#core/http-cache';
import { OriginError } from '../origin/origin-client.ts';
import type { ByteSource } from '../server/exchange.ts';
import type { ObjectStore } from './object-store.ts';

export interface TakeInInit {
  /** That it has to have, bytes; undefined where nobody said. */
  readonly length: number | undefined;
  /** What may be held of it, bytes. */
  readonly bytesMax: number;
  /** What a stream that is too large to keep may be ahead of its slowest reader, bytes. */
  readonly streamBytesMax: number;
  /** Whether nobody has asked for it yet: what nobody waits for takes its own room, and goes on in that of all others once somebody does. */
  readonly isAhead?: () => boolean;
  readonly onBytes?: (bytes: Uint8Array) => void;
  /** All of it is here; nobody gets the end of it before what this returns is over. Does not reject. */
  readonly beforeEnd?: () => Promise<void> | undefined;
}

/**
 * Takes a body in at the origin's pace, whoever reads it. What cannot be held goes on as a stream for those who read it.
 * Never rejects: who reads the body learns that it broke off.
 * @returns what went wrong
 */
export async function takeIn(
  source: ByteSource | null,
  body: GrowingBody,
  { beforeEnd, bytesMax, isAhead, length, onBytes, streamBytesMax }: TakeInInit,
  store: Pick<ObjectStore, 'reserve' | 'release' | 'aheadObjectBytesMax'>,
): Promise<OriginError | undefined> {
  let [reserved, reservedAhead] = [0, 0];
  const release = (): void => {
    store.release(reserved);
    store.release(reservedAhead, true);
    [reserved, reservedAhead] = [0, 0];
  };
  try {
    // Most bodies are whole when their head is: nothing is waited for then.
    const here = source?.rest?.();
    for (let bytes = here ?? (await source?.read()); bytes !== undefined; bytes = here === undefined ? await source?.read() : undefined) {
      const ahead = isAhead?.() === true;
      if (ahead && Math.max(length ?? 0, body.length + bytes.length) > store.aheadObjectBytesMax)
        throw new OriginError('ORIGIN_INVALID', 'Too large to fetch before it is asked for.');
      const keeps = body.joinable && body.length + bytes.length <= bytesMax && store.reserve(bytes.length, ahead);
      if (keeps && ahead) reservedAhead += bytes.length;
      else if (keeps) reserved += bytes.length;
      onBytes?.(bytes);
      body.append(bytes);
      if (!keeps && !(await streamOn(body, streamBytesMax))) {
        source?.cancel();
        return undefined;
      }
    }
    if (length !== undefined && body.length !== length) throw new OriginError('ORIGIN_BROKEN', `The origin promised ${length} bytes and sent ${body.length}.`);
    const prepared = beforeEnd?.();
    if (prepared !== undefined) await prepared;
    body.end();
    return undefined;
  } catch (error) {
    source?.cancel();
    const failure = error instanceof OriginError ? error : new OriginError('ORIGIN_BROKEN', 'The origin broke off its response.', error);
    body.fail(failure);
    return failure;
  } finally {
    release();
  }
}

/** At the pace of the slowest reader. False when none is left. */
async function streamOn(body: GrowingBody, streamBytesMax: number): Promise<boolean> {
  body.forgetRead();
  while (body.readers > 0 && body.heldBytes > streamBytesMax) {
    const change = Promise.withResolvers<void>();
    body.onChange(change.resolve);
    await change.promise;
  }
  return body.readers > 0;
}
