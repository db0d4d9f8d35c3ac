import { OperatingError } from '#kernel';
import type { SealedSegment } from './segment.types.ts';

function nameOf({ number, topic, partition, first, end }: SealedSegment): string {
  return `Sealed segment ${number} of ${topic}/${partition} (offsets ${first} to before ${end})`;
}

/** A segment that is not as it was sealed, or is not there. */
export class SealedSegmentDamaged extends OperatingError {
  /** Which, and what is wrong with it; its blob is not named, so that anybody may be told. */
  readonly finding: string;

  constructor(segment: SealedSegment, what: string, cause: unknown) {
    const finding = `${nameOf(segment)} ${what}`;
    const message = `${finding}: blob ${segment.cid}. Put the blob back as it was; until then the log cannot be read past it.`;
    super(message, { code: 'SEALED_SEGMENT_DAMAGED', retryable: false, cause });
    this.finding = finding;
  }
}

export const sealedLogErrors = {
  /** Nothing is passed over: reading stops here. */
  damaged: (segment: SealedSegment, what: string, cause?: unknown) => new SealedSegmentDamaged(segment, what, cause),
  hole: (topic: string, partition: number, from: bigint, to: bigint) =>
    new OperatingError(
      `The log has lost the offsets ${from} to before ${to} of ${topic}/${partition}: they were removed by something else before they were sealed. Reading stops here instead of passing over them.`,
      { code: 'LOG_HOLE', retryable: false },
    ),
  notVerified: (topic: string, partition: number, what: string) =>
    new OperatingError(`What was sealed of ${topic}/${partition} is not what the log holds: ${what}. Nothing was removed.`, {
      code: 'SEALING_FAILED',
      retryable: false,
    }),
  raced: (segment: SealedSegment) =>
    new OperatingError(`${nameOf(segment)} was sealed by another process at the same time.`, { code: 'SEALING_RACED', retryable: true }),
  catalogueDamaged: (offset: bigint, cause: unknown) =>
    new OperatingError(`The catalogue of sealed segments cannot be read at offset ${offset}.`, { code: 'LOG_CORRUPT', retryable: false, cause }),
} as const;
