import { trafficLimits } from '#events';
import type { Prng } from '#kernel';
import type { RequestLine } from './request-line.ts';

export interface RequestLogInit {
  /** The share of the picked that is told, 0 to 1, of zones that say nothing else. */
  readonly sample: number;
  /** Lines that may wait for the log. */
  readonly waitingMax: number;
  readonly dice: Pick<Prng, 'next'>;
}

/** Lines of one tenant that were picked at one rate. */
export interface LineBatch {
  readonly tenant: string;
  readonly sampleRate: number;
  /** Lines of the tenant that were lost since the batch before. */
  readonly dropped: number;
  readonly lines: readonly RequestLine[];
}

/** What a line weighs at most besides its path, bytes: one event stays far below what a record of the log may have. */
const lineBytes = 512;
const batchBytesMax = 400_000;

/** Lines that wait for the log: so many and no more. What comes on top is lost, and counted. */
export class RequestLog {
  readonly #init: RequestLogInit;
  #waiting: RequestLine[] = [];
  readonly #dropped = new Map<string, number>();
  readonly counts = { told: 0, dropped: 0 };

  constructor(init: RequestLogInit) {
    this.#init = init;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  add(line: RequestLine): void {
    const { dice, waitingMax } = this.#init;
    const sample = this.#sampleOf(line);
    if (sample < 1 && dice.next() >= sample) return;
    if (this.#waiting.length >= waitingMax) this.#drop(line.zone.tenant, 1);
    else this.#waiting.push(line);
  }

  /** Takes everything that waits, in batches as events hold it. */
  take(): readonly LineBatch[] {
    const lines = this.#waiting;
    this.#waiting = [];
    const batches: LineBatch[] = [];
    for (const [tenant, own] of Map.groupBy(lines, ({ zone }) => zone.tenant)) {
      for (const [sampleRate, alike] of Map.groupBy(own, (line) => this.#sampleOf(line) / line.weight)) {
        for (const part of parted(alike)) {
          const dropped = this.#dropped.get(tenant) ?? 0;
          this.#dropped.delete(tenant);
          batches.push({ tenant, sampleRate, dropped, lines: part });
        }
      }
    }
    return batches;
  }

  told(batch: LineBatch): void {
    this.counts.told += batch.lines.length;
  }

  /** The log would not have it. */
  lost({ dropped, lines, tenant }: LineBatch): void {
    this.#drop(tenant, lines.length);
    this.#dropped.set(tenant, (this.#dropped.get(tenant) ?? 0) + dropped);
  }

  #sampleOf({ zone }: RequestLine): number {
    return zone.accessSample ?? this.#init.sample;
  }

  #drop(tenant: string, lines: number): void {
    this.counts.dropped += lines;
    this.#dropped.set(tenant, (this.#dropped.get(tenant) ?? 0) + lines);
  }
}

function parted(lines: readonly RequestLine[]): readonly (readonly RequestLine[])[] {
  const parts: RequestLine[][] = [];
  let bytes = 0;
  for (const line of lines) {
    const part = parts.at(-1);
    const own = lineBytes + Math.min(line.target.length, trafficLimits.pathLengthMax);
    if (part === undefined || part.length >= trafficLimits.requestsMax || bytes + own > batchBytesMax) {
      parts.push([line]);
      bytes = own;
    } else {
      part.push(line);
      bytes += own;
    }
  }
  return parts;
}
