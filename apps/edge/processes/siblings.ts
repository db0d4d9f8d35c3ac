import { murmur2 } from '#kernel';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import type { GuardedRequest, OriginSource } from '../origin/guarded-origin.ts';
import type { OriginResponse } from '../origin/origin-client.ts';
import { plainReply, type WitnessAnswers, type WitnessAsk } from '../witness/witness-answers.ts';
import type { WitnessReply } from '../witness/witness.ts';
import { FrameReader, frameSource, type SiblingAsk, type SiblingHead } from './sibling.codec.ts';
import type { SiblingSettings } from './processes.config.ts';

export const fillPath = '/fill';
export const invalidatePath = '/invalidate';
export const witnessPath = '/witness';

/** Until the owner has the head of a response: a slow origin is asked twice rather than everybody kept waiting by a process that stands still, ms. */
const headTimeoutMs = 3000;
/** How long an owner that failed is passed by, ms. */
const holdMs = 1000;
const invalidateTimeoutMs = 1000;
const witnessTimeoutMs = 5000;
/** Which process has the witness of the edge: the one that has the edge's name. */
const witnessIndex = 0;

export function socketOf(folder: string, index: number): string {
  return join(folder, `${index}.sock`);
}

/** Rendezvous hashing: which process of the node fetches a key for all. */
export function ownerOf(key: string, count: number): number {
  let [owner, most] = [0, -1];
  for (let index = 0; index < count; index++) {
    const score = murmur2(Buffer.from(`${index} ${key}`)) >>> 0;
    if (score > most) [owner, most] = [index, score];
  }
  return owner;
}

export interface SiblingsDeps {
  /** How far this process has read the purges. */
  readonly positions: () => readonly bigint[];
  readonly now: () => number;
}

/**
 * The processes of one edge on one machine: each key has one that fetches it from the origin, so that all of them together
 * ask once. The others get what it gets as it comes; where it cannot say, they ask for themselves.
 */
export class Siblings {
  readonly #settings: SiblingSettings;
  readonly #deps: SiblingsDeps;
  readonly #heldUntilMs: number[] = [];

  constructor(settings: SiblingSettings, deps: SiblingsDeps) {
    this.#settings = settings;
    this.#deps = deps;
  }

  /** An origin of a zone, behind the process that asks it. */
  source(zone: string, origin: OriginSource): OriginSource {
    return {
      request: async (request) => {
        const owner = this.#ownerFor(request);
        return (owner === undefined ? undefined : await this.#ask(owner, zone, request)) ?? origin.request(request);
      },
    };
  }

  /** Whether this process asks for a key, for all of them. */
  owns(key: string): boolean {
    return ownerOf(key, this.#settings.count) === this.#settings.index;
  }

  /** Keys that a request through this process has changed at the origin (RFC 9111 section 4.4): nobody here has them any more. */
  async invalidate(keys: readonly string[]): Promise<void> {
    const { count, index } = this.#settings;
    // With the one that stands in while another is replaced: its place is after all others.
    const others = Array.from({ length: count + 1 }, (_none, at) => at).filter((at) => at !== index);
    await Promise.all(others.map((at) => this.#post(at, invalidatePath, keys, invalidateTimeoutMs).then((response) => void response?.resume())));
  }

  /** Asks the one witness of this edge, which another process has; undefined where this one has it. */
  get witness(): WitnessAnswers | undefined {
    return this.#settings.index === witnessIndex ? undefined : (ask) => this.#askWitness(ask);
  }

  async #askWitness(ask: WitnessAsk): Promise<WitnessReply> {
    const response = await this.#post(witnessIndex, witnessPath, ask, witnessTimeoutMs);
    if (response?.statusCode === 200) return (await json(response)) as WitnessReply;
    response?.resume();
    return plainReply(503, 'The process of this edge that is its witness does not answer now.\n');
  }

  /** Undefined where this process asks itself: it is the owner, or what is asked for is a part. */
  #ownerFor({ fields, key, method, shared }: GuardedRequest): number | undefined {
    if (shared !== true || key === undefined || method !== 'GET' || fields.some(([name]) => name === 'range')) return undefined;
    const owner = ownerOf(key, this.#settings.count);
    return owner === this.#settings.index || this.#deps.now() < (this.#heldUntilMs[owner] ?? 0) ? undefined : owner;
  }

  async #ask(owner: number, zone: string, { fields, key = '' }: GuardedRequest): Promise<OriginResponse | undefined> {
    const ask: SiblingAsk = { zone, key, positions: this.#deps.positions().map(String), fields };
    const response = await this.#post(owner, fillPath, ask, headTimeoutMs);
    if (response === undefined) this.#heldUntilMs[owner] = this.#deps.now() + holdMs;
    if (response?.statusCode !== 200) {
      response?.resume();
      return undefined;
    }
    try {
      const frames = new FrameReader(response);
      const head = JSON.parse(Buffer.from((await frames.next()) ?? []).toString()) as SiblingHead;
      return { ...head, body: frameSource(frames, () => response.destroy()) };
    } catch {
      response.destroy();
      return undefined;
    }
  }

  /** Undefined when there is nobody, or no answer in time. */
  #post(index: number, path: string, body: unknown, timeoutMs: number): Promise<IncomingMessage | undefined> {
    return new Promise((resolve) => {
      const request = httpRequest({ socketPath: socketOf(this.#settings.folder, index), path, method: 'POST', agent: false });
      const timer = setTimeout(() => {
        resolve(undefined);
        request.destroy();
      }, timeoutMs);
      request.on('response', (response) => {
        clearTimeout(timer);
        resolve(response);
      });
      request.on('error', () => {
        clearTimeout(timer);
        resolve(undefined);
      });
      request.end(JSON.stringify(body));
    });
  }
}
