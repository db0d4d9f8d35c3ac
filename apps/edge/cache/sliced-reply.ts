import {
  ageSeconds,
  byteranges,
  chooseRanges,
  fieldValue,
  ifRangeHolds,
  select,
  selectedHead,
  ttlSeconds,
  withCacheStatus,
  type ByteSpan,
  type CacheOutcome,
  type Fields,
  type Selection,
} from '#core/http-cache';
import { randomUUID } from 'node:crypto';
import type { EdgeCounters } from '../edge-counters.ts';
import { OriginError } from '../origin/origin-client.ts';
import { replyHead, type ByteSource, type EdgeReply, type EdgeRequest } from '../server/exchange.ts';
import { atMost } from './body-reader.ts';
import { partsSource, startSpan, type SlicedStart } from './sliced-body.ts';
import type { SlicedHead, Slices } from './slices.ts';

export interface SlicedReplyDeps {
  readonly slices: Slices;
  readonly counters: EdgeCounters;
  readonly cacheName: string;
  /** What is asked for so shortly is sent as bytes, bytes. */
  readonly wholeBytesMax: number;
  /** And so long they are waited for, ms. */
  readonly wholeWaitMs: number;
  /** Answers anew: the origin has another version, of which nothing was sent yet. */
  readonly restart: () => Promise<EdgeReply>;
  readonly failed: (error: OriginError) => EdgeReply;
}

interface Asked {
  readonly request: EdgeRequest;
  readonly head: SlicedHead;
  readonly nowMs: number;
  readonly outcome: CacheOutcome;
  /** Whether it was counted as a hit or a miss already. */
  readonly counted: boolean;
}

/** The answer to a request from an object that is kept in slices. */
export function slicedReply(asked: Asked, deps: SlicedReplyDeps): EdgeReply | Promise<EdgeReply> {
  const { head, nowMs, request } = asked;
  const { length } = head.response.sliced;
  const selection = select(request, head.response, length, nowMs);
  if (selection.kind === 'not-modified' || selection.kind === 'unsatisfiable' || request.method === 'HEAD') count(asked, deps, 'hits');
  if (selection.kind === 'not-modified' || selection.kind === 'unsatisfiable') return { head: headOf(asked, deps, selection), body: null };
  if (request.method === 'HEAD') return { head: headOf(asked, deps, selection, length), body: null };
  const spans = selection.kind === 'whole' ? apart(asked) : [];
  if (spans.length > 0) return multipart(asked, deps, spans);
  const span = selection.kind === 'part' ? selection.span : { first: 0, last: length - 1 };
  const start = startSpan(deps.slices, { head, span, requestFields: () => request.fields() });
  return start instanceof Promise ? start.then((opened) => answered(asked, deps, selection, span, opened)) : answered(asked, deps, selection, span, start);
}

/** Ranges that lie apart, which are sent as parts of one body. */
function apart({ head, nowMs, request }: Asked): readonly ByteSpan[] {
  const range = request.method === 'GET' ? request.field('range') : undefined;
  if (range === undefined || !ifRangeHolds(request.field('if-range'), head.response, nowMs)) return [];
  return chooseRanges(range, head.response.sliced.length);
}

function answered(asked: Asked, deps: SlicedReplyDeps, selection: Selection, span: ByteSpan, start: SlicedStart): EdgeReply | Promise<EdgeReply> {
  const { counters, slices } = deps;
  const bytes = span.last - span.first + 1;
  switch (start.kind) {
    case 'changed':
      slices.outdated(asked.head);
      return deps.restart();
    case 'failed':
      return deps.failed(start.error);
    case 'stored':
      count(asked, deps, 'hits');
      counters.bytesServed += bytes;
      return { head: headOf(asked, deps, selection), body: start.body };
    case 'source': {
      count(asked, deps, start.cached ? 'hits' : 'misses');
      // RFC 9211 section 2.2: part of what was asked for was not here.
      const told = start.cached || asked.outcome.forwarded !== undefined ? asked : { ...asked, outcome: { ...asked.outcome, forwarded: 'partial' as const } };
      if (bytes <= deps.wholeBytesMax) return collected(told, deps, selection, start.source, bytes);
      return { head: headOf(told, deps, selection, bytes), body: counted(start.source, counters) };
    }
  }
}

function count({ counted: already }: Asked, { counters }: SlicedReplyDeps, what: 'hits' | 'misses'): void {
  if (!already) counters[what]++;
}

/** A few bytes whose failure is a clean error, if they come soon; else they are sent as they come. */
async function collected(asked: Asked, deps: SlicedReplyDeps, selection: Selection, source: ByteSource, length: number): Promise<EdgeReply> {
  const few = new FewBytes(source, length);
  try {
    await atMost(few.whole, deps.wholeWaitMs);
  } catch (error) {
    return deps.failed(error as OriginError);
  }
  if (!few.isWhole) return { head: headOf(asked, deps, selection, length), body: counted(few, deps.counters) };
  deps.counters.bytesServed += length;
  return { head: headOf(asked, deps, selection), body: few.bytes };
}

/** What a source brings, read to its end whether or not anybody reads along. */
class FewBytes implements ByteSource {
  readonly bytes: Uint8Array;
  /** Rejects when the source breaks off. */
  readonly whole: Promise<void>;
  readonly #source: ByteSource;
  #here = 0;
  #read = 0;
  #more = Promise.withResolvers<void>();

  constructor(source: ByteSource, length: number) {
    this.bytes = new Uint8Array(length);
    this.#source = source;
    this.whole = this.#take();
    this.whole.catch(() => undefined);
  }

  get isWhole(): boolean {
    return this.#here === this.bytes.length;
  }

  cancel(): void {
    this.#source.cancel();
  }

  async read(): Promise<Uint8Array | undefined> {
    if (this.#read === this.#here && !this.isWhole) await Promise.race([this.#more.promise, this.whole]);
    if (this.#read === this.#here) return undefined;
    const bytes = this.bytes.subarray(this.#read, this.#here);
    this.#read = this.#here;
    return bytes;
  }

  async #take(): Promise<void> {
    for (let piece = await this.#source.read(); piece !== undefined; piece = await this.#source.read()) {
      this.bytes.set(piece, this.#here);
      this.#here += piece.length;
      this.#more.resolve();
      this.#more = Promise.withResolvers();
    }
    if (!this.isWhole) throw new OriginError('ORIGIN_BROKEN', 'The origin broke off its response.');
  }
}

function multipart(asked: Asked, deps: SlicedReplyDeps, spans: readonly ByteSpan[]): EdgeReply {
  const { head, nowMs, outcome, request } = asked;
  const { response } = head;
  count(asked, deps, 'hits');
  const contentType = fieldValue(response.fields, 'content-type');
  const parts = byteranges(spans, { length: response.sliced.length, contentType }, randomUUID());
  const whole = selectedHead({ kind: 'whole' }, response, response.sliced.length);
  const fields = [...whole.fields.filter(([name]) => name !== 'content-type'), ['content-type', parts.contentType] as const];
  const body = counted(partsSource(deps.slices, head, request.fields(), parts), deps.counters);
  return { head: finished(206, [...fields, ['content-length', String(parts.length)]], { head, nowMs, outcome }, deps), body };
}

/** @param length of what is sent, where the server does not know it, bytes */
function headOf(asked: Asked, deps: SlicedReplyDeps, selection: Selection, length?: number): EdgeReply['head'] {
  const { fields, status } = selectedHead(selection, asked.head.response, asked.head.response.sliced.length);
  return finished(status, length === undefined ? fields : [...fields, ['content-length', String(length)]], asked, deps);
}

function finished(
  status: number,
  fields: Fields,
  { head, nowMs, outcome }: Pick<Asked, 'head' | 'nowMs' | 'outcome'>,
  { cacheName }: SlicedReplyDeps,
): EdgeReply['head'] {
  const { freshness } = head.response;
  const age = ['age', String(ageSeconds(freshness, nowMs))] as const;
  return replyHead(status, withCacheStatus([...fields, age], cacheName, { ...outcome, ttl: ttlSeconds(freshness, nowMs) }));
}

function counted(source: ByteSource, counters: EdgeCounters): ByteSource {
  return {
    cancel: () => source.cancel(),
    read: async () => {
      const bytes = await source.read();
      counters.bytesServed += bytes?.length ?? 0;
      return bytes;
    },
  };
}
