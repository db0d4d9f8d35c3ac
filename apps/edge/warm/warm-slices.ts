import { sliceCount, sliceSpan, type Fields } from '#core/http-cache';
import { wholeOf } from '../cache/body-reader.ts';
import type { SlicedHead, Slices } from '../cache/slices.ts';
import type { WarmFault } from './warm-tally.ts';

export interface WarmSlicesInit {
  readonly slices: Slices;
  readonly head: SlicedHead;
  readonly fields: Fields;
  /** What one object may take of what this edge can keep, bytes. */
  readonly bytesMax: number;
  /** Resolves when the origin may be asked for another one. */
  readonly due: () => Promise<void>;
  readonly stopping: AbortSignal;
}

/** Whether all slices of an object are here. */
export function hasSlices(slices: Slices, head: SlicedHead): boolean {
  return Array.from({ length: sliceCount(head.response.sliced) }, (_, index) => index).every((index) => slices.has(head, index));
}

/** Brings all slices of an object, one after the other. @returns how many bytes came, and why the rest did not */
export async function warmSlices({ bytesMax, due, fields, head, slices, stopping }: WarmSlicesInit): Promise<{ bytes: number; fault?: WarmFault }> {
  const { sliced } = head.response;
  let bytes = 0;
  if (sliced.length > bytesMax) return { bytes, fault: { status: null, reason: `It is larger than what this edge keeps of one object (${bytesMax} bytes).` } };
  for (let index = 0; index < sliceCount(sliced) && !stopping.aborted; index++) {
    if (slices.has(head, index)) continue;
    if (index > 0) await due();
    const { first, last } = sliceSpan(sliced, index);
    try {
      const outcome = await slices.fill(head, index, fields);
      if (outcome.kind === 'failed') throw outcome.error;
      if (outcome.kind === 'changed') {
        slices.outdated(head);
        return { bytes, fault: { status: null, reason: 'It has changed while it was fetched.' } };
      }
      if (!outcome.body.joinable) throw new Error('There is no room for it.');
      await wholeOf(outcome.body);
      bytes += last - first + 1;
    } catch (error) {
      return { bytes, fault: { status: null, reason: error instanceof Error ? error.message : String(error) } };
    }
  }
  return { bytes };
}
