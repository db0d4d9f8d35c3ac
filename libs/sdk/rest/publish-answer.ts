import { StreamsError, type StreamsErrorCode } from '../errors.ts';
import type { OutgoingEvent } from '../event/index.ts';
import type { Accepted, PublishResult, Refused } from '../transport.ts';
import { problemError, problemOf, retryAfterOf, type ProblemDocument } from './problem.ts';

interface AcceptedEvent {
  readonly id: string;
  readonly topic: string;
  readonly partition: number;
  readonly offset: string;
  readonly duplicate: boolean;
}

/** The member `events` of a refusal: what is at fault. */
interface Fault {
  readonly index: number;
  readonly code: StreamsErrorCode;
  readonly field: string;
  readonly message: string;
}

/**
 * One result per event: Streams writes all of a request or nothing, and names what is at fault; the others may come again.
 * @throws StreamsError when the request itself was refused, or failed.
 */
export async function resultsOf(response: Response, events: readonly OutgoingEvent[]): Promise<readonly PublishResult[]> {
  if (response.ok) return acceptedOf(((await response.json()) as { readonly events?: readonly AcceptedEvent[] }).events, events);
  const problem: ProblemDocument & { readonly events?: readonly Fault[] } = await problemOf(response);
  const faults = new Map(problem.events?.map((fault) => [fault.index, fault]));
  if (faults.size === 0) throw problemError(response.status, problem, retryAfterOf(response.headers.get('retry-after')));
  return events.map(({ id }, at) => refusedOf(id, faults.get(at)));
}

function acceptedOf(answers: readonly AcceptedEvent[] | undefined, events: readonly OutgoingEvent[]): readonly Accepted[] {
  if (answers?.length !== events.length) throw new StreamsError('The answer does not tell of every event.', { code: 'PROTOCOL', retryable: true });
  return answers.map(({ topic, partition, offset, duplicate }, at) => {
    const { id } = events[at] as OutgoingEvent;
    return { accepted: true, id, topic, partition, offset: BigInt(offset), duplicate };
  });
}

function refusedOf(id: string, fault: Fault | undefined): Refused {
  if (fault !== undefined) return { accepted: false, id, code: fault.code, field: fault.field, message: fault.message, retryable: false };
  return { accepted: false, id, code: 'EVENT_BATCH_REFUSED', field: '', message: 'Another event of its batch was refused.', retryable: true };
}
