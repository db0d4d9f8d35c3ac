import { sliceAt, sliceCount, sliceSpan, type Byteranges, type ByteSpan, type Fields } from '#core/http-cache';
import { OriginError } from '../origin/origin-client.ts';
import type { ByteSource, StoredBytes } from '../server/exchange.ts';
import { readerOf } from './body-reader.ts';
import type { CachedObject } from './cached-object.ts';
import type { SlicedHead, SliceOutcome, Slices } from './slices.ts';

/** What is made of a stored slice at a time: a slow client holds so much of it and no more, bytes. */
const pieceBytes = 512 * 1024;

/** Of what follows, how much is asked for while a slice is read; one slice at least, bytes. */
const aheadBytes = 4 * 1024 * 1024;

/** A slice that is there, or comes. */
type Opened = { readonly kind: 'stored'; readonly object: CachedObject } | SliceOutcome;

async function open(slices: Slices, head: SlicedHead, index: number, requestFields: Fields): Promise<Opened> {
  const object = slices.find(head, index) ?? (await slices.recall(head, index));
  return object === undefined ? slices.fill(head, index, requestFields) : { kind: 'stored', object };
}

function storedSource(stored: StoredBytes, slices: Slices): ByteSource {
  let at = 0;
  return {
    cancel: () => (at = stored.size),
    read: async () => {
      if (at >= stored.size) return undefined;
      const from = at;
      at = Math.min(stored.size, at + pieceBytes);
      return slices.bytesOf(stored.slice(from, at));
    },
  };
}

/** The part of an opened slice that lies in a span. @throws OriginError when there is none: the connection must be cut */
function sourceOf(opened: Opened, slices: Slices, head: SlicedHead, index: number, span: ByteSpan): ByteSource {
  const { first, last } = sliceSpan(head.response.sliced, index);
  const [from, to] = [Math.max(0, span.first - first), Math.min(last, span.last) + 1 - first];
  switch (opened.kind) {
    case 'stored':
      return storedSource(opened.object.body.slice(from, to), slices);
    case 'bytes':
      return readerOf(opened.body, () => undefined, from, to);
    case 'failed':
      throw opened.error;
    case 'changed':
      slices.outdated(head);
      throw new OriginError('ORIGIN_BROKEN', 'The origin has another version than that which the answer began with.');
  }
}

/** How the first bytes of an answer come. */
export type SlicedStart =
  | { readonly kind: 'stored'; readonly body: StoredBytes }
  | { readonly kind: 'source'; readonly source: ByteSource; readonly cached: boolean }
  | { readonly kind: 'changed' }
  | { readonly kind: 'failed'; readonly error: OriginError };

export interface SlicedSpan {
  readonly head: SlicedHead;
  readonly span: ByteSpan;
  /** Of the request that it is for, as long as that is there. */
  readonly requestFields: () => Fields;
}

/** Begins with a span of an object in slices. What lies in one slice that is here needs no stream. */
export function startSpan(slices: Slices, wanted: SlicedSpan): SlicedStart | Promise<SlicedStart> {
  const { head, requestFields, span } = wanted;
  const { sliced } = head.response;
  const [index, end] = [sliceAt(sliced, span.first), sliceAt(sliced, span.last)];
  const near = sliceSpan(sliced, index);
  // Who reads on is in the second half by then.
  if (index === end && span.last - near.first > sliced.sliceBytes / 2) slices.ahead(head, index + 1, requestFields());
  const object = index === end ? slices.find(head, index) : undefined;
  if (object === undefined) return startStream(slices, wanted);
  return { kind: 'stored', body: object.body.slice(span.first - near.first, span.last + 1 - near.first) };
}

async function startStream(slices: Slices, wanted: SlicedSpan): Promise<SlicedStart> {
  const index = sliceAt(wanted.head.response.sliced, wanted.span.first);
  const requestFields = wanted.requestFields();
  const opened = await open(slices, wanted.head, index, requestFields);
  if (opened.kind === 'changed' || opened.kind === 'failed') return opened;
  return { kind: 'source', source: spanSource(slices, { ...wanted, requestFields }, opened), cached: opened.kind === 'stored' };
}

type ReadSpan = Omit<SlicedSpan, 'requestFields'> & { readonly requestFields: Fields };

/** A span, slice by slice at its reader's pace; while one is read the next ones are asked for. */
function spanSource(slices: Slices, { head, requestFields, span }: ReadSpan, first?: Opened): ByteSource {
  const { sliced } = head.response;
  const end = Math.min(sliceAt(sliced, span.last), sliceCount(sliced) - 1);
  let index = sliceAt(sliced, span.first);
  const begin = (opened: Opened): ByteSource => {
    const last = Math.min(end, index + Math.max(1, Math.floor(aheadBytes / sliced.sliceBytes)));
    for (let next = index + 1; next <= last; next++) slices.ahead(head, next, requestFields);
    return sourceOf(opened, slices, head, index, span);
  };
  let current = first === undefined ? undefined : begin(first);
  let cancelled = false;
  return {
    cancel: () => {
      cancelled = true;
      current?.cancel();
    },
    read: async () => {
      while (!cancelled && index <= end) {
        current ??= begin(await open(slices, head, index, requestFields));
        const bytes = await current.read();
        if (bytes !== undefined) return bytes;
        current = undefined;
        index++;
      }
      return undefined;
    },
  };
}

/** Several spans with what is sent in front of each. */
export function partsSource(slices: Slices, head: SlicedHead, requestFields: Fields, { end, parts }: Byteranges): ByteSource {
  const texts = (bytes: Uint8Array): ByteSource => {
    let left: Uint8Array | undefined = bytes;
    return {
      cancel: () => (left = undefined),
      read: async () => {
        const now = left;
        left = undefined;
        return now;
      },
    };
  };
  const makers = [...parts.flatMap(({ before, span }) => [() => texts(before), () => spanSource(slices, { head, span, requestFields })]), () => texts(end)];
  let current: ByteSource | undefined;
  return {
    cancel: () => {
      makers.length = 0;
      current?.cancel();
      current = undefined;
    },
    read: async () => {
      for (;;) {
        current ??= makers.shift()?.();
        if (current === undefined) return undefined;
        const bytes = await current.read();
        if (bytes !== undefined) return bytes;
        current = undefined;
      }
    },
  };
}
