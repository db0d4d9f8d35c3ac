import type { RejectReason } from '#domain/stream';

/** A publisher that may not; the detail is what its encoder shows. */
export interface Refusal {
  readonly reason: RejectReason;
  readonly detail: string;
}

export function isRefusal(answer: object | undefined): answer is Refusal {
  return answer !== undefined && 'reason' in answer && 'detail' in answer;
}
