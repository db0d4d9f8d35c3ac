import { decodeMetadata, tagType, type StreamMetadata } from '#core/flv';
import { Prng } from '#kernel';
import type { ServerSessionEffect, ServerSessionLimits } from '../session.types.ts';
import type { PublishPath } from '../publish-path.core.ts';
import { ServerSession } from '../server-session.core.ts';
import { SlabPool } from '../slab-pool.core.ts';

export interface ReplayedTag {
  readonly type: number;
  readonly timestampMs: number;
  readonly keyFrame: boolean;
  readonly kind: string;
  /** The body as hex digits of its length and of a checksum: enough to tell bodies apart. */
  readonly body: string;
}

export interface Replay {
  readonly tags: readonly ReplayedTag[];
  readonly metadata: readonly StreamMetadata[];
  readonly paths: readonly PublishPath[];
  readonly unpublished: boolean;
  /** Code of the error that the session closed with; empty for a clean close, undefined while it is open. */
  readonly closed: string | undefined;
  readonly sentBytes: Uint8Array;
  /** Slabs still held after the session closed and every tag was released. */
  readonly slabsHeld: number;
}

export interface ReplayOptions {
  /** Cuts the input into pieces of 1 to `pieceBytesMax` bytes; whole when undefined. */
  readonly pieceBytesMax?: number;
  readonly seed?: number;
  readonly limits?: Partial<ServerSessionLimits>;
  /** Answers `publish` after this many further pieces; at once by default. */
  readonly decideAfter?: number;
  readonly slabBytes?: number;
}

/** FNV-1a, to compare bodies without keeping them. */
function checksum(bytes: Uint8Array): string {
  let hash = 0x811c9dc5;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
  return (hash >>> 0).toString(16);
}

class Collector {
  readonly tags: ReplayedTag[] = [];
  readonly metadata: StreamMetadata[] = [];
  readonly paths: PublishPath[] = [];
  readonly sent: number[] = [];
  unpublished = false;
  closed: string | undefined;

  take(effect: ServerSessionEffect): void {
    if (effect.kind === 'send') this.sent.push(...effect.bytes);
    if (effect.kind === 'publish') this.paths.push(effect.path);
    if (effect.kind === 'metadata') this.metadata.push(decodeMetadata(effect.body) as StreamMetadata);
    if (effect.kind === 'unpublish') this.unpublished = true;
    if (effect.kind === 'close') this.closed = effect.error?.code ?? '';
    if (effect.kind !== 'media') return;
    const { type, timestampMs, keyFrame, packet: kind, tag } = effect;
    const body = tag.copyBody();
    this.tags.push({ type, timestampMs, keyFrame, kind, body: `${body.length}:${checksum(body)}` });
    tag.release();
  }
}

/** What a publisher's bytes lead to, cut into pieces at random places. */
export function replay(input: Uint8Array, options: ReplayOptions = {}): Replay {
  const pool = new SlabPool({ slabBytes: options.slabBytes ?? 4096 });
  const session = new ServerSession({ app: 'live', pool, seed: 7, limits: options.limits ?? {} }, 0);
  const prng = new Prng(options.seed ?? 1);
  const collector = new Collector();
  let decideIn = -1;
  const step = (...[one]: Parameters<ServerSession['step']> extends [infer Input, number] ? [Input] : never): void => {
    for (const effect of session.step(one, 0)) {
      collector.take(effect);
      if (effect.kind === 'publish') decideIn = options.decideAfter ?? 0;
    }
  };
  for (let at = 0; at < input.length;) {
    const count = options.pieceBytesMax === undefined ? input.length : prng.nextInteger(1, options.pieceBytesMax);
    // A copy that is wiped afterwards, as a borrowed buffer is: nothing may refer to it.
    const piece = input.slice(at, at + count);
    step({ kind: 'bytes', bytes: piece });
    piece.fill(0xaa);
    at += count;
    if (decideIn === 0) step({ kind: 'publish-accepted' });
    if (decideIn >= 0) decideIn -= 1;
  }
  if (decideIn >= 0) step({ kind: 'publish-accepted' });
  const { closed } = collector;
  if (closed === undefined) step({ kind: 'end', status: { level: 'status', code: 'test', description: '' } });
  const { tags, metadata, paths, unpublished } = collector;
  return { tags, metadata, paths, unpublished, closed, sentBytes: Uint8Array.from(collector.sent), slabsHeld: pool.held };
}

export function ofType(result: Replay, type: keyof typeof tagType): readonly ReplayedTag[] {
  return result.tags.filter((tag) => tag.type === tagType[type]);
}
