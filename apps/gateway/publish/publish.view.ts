import { hasCode } from '#kernel';
import { retryAfterMsOf, type PublishAccepted, type PublishOutcome, type PublishRejected } from '#runtime';
import { ProblemError } from '../http/problem.errors.ts';

const errorsShown = 20;
const forbidden = new Set<PublishRejected['code']>(['EVENT_NOT_OPEN', 'EVENT_CONTEXT_FORBIDDEN', 'EVENT_TENANT_FORBIDDEN']);

function isAccepted(outcome: PublishOutcome): outcome is PublishAccepted {
  return outcome.accepted;
}

/** The answer to a request of which everything is on the log, as JSON text. */
export function acceptedText(outcomes: readonly PublishOutcome[]): string {
  const items = outcomes
    .filter(isAccepted)
    .map(
      ({ id, topic, partition, offset, duplicate }) =>
        `{"id":${JSON.stringify(id)},"topic":"${topic}","partition":${partition},"offset":"${offset}","duplicate":${duplicate}}`,
    );
  return `{"events":[${items.join(',')}]}`;
}

/** The refusal of a request, naming each event at fault; undefined when there is none. */
export function refusalOf(outcomes: readonly PublishOutcome[], single: boolean): ProblemError | undefined {
  const faults = outcomes.flatMap((outcome, index) => (outcome.accepted || outcome.code === 'EVENT_BATCH_REFUSED' ? [] : [{ index, ...outcome }]));
  const first = faults[0];
  if (first === undefined) return undefined;
  const path = (index: number, field: string): string => ['body', ...(single ? [] : [index]), ...(field === '' ? [] : [field])].join('.');
  const message = first.message.startsWith(`${first.field}: `) ? first.message.slice(first.field.length + 2) : first.message;
  const more = faults.length > 1 ? ` ${faults.length - 1} more of the ${outcomes.length} events are at fault.` : '';
  const rest = `${more}${single ? '' : ' Nothing of this request was written.'}`;
  return new ProblemError({
    status: statusOf(first.code),
    code: wordOf(first.code),
    detail: `${path(first.index, first.field)}: ${message}${rest === '' || /[.!?]$/.test(message) ? '' : '.'}${rest}`,
    errors: faults.slice(0, errorsShown).map(({ index, field, message, code }) => ({ field: path(index, field), message, code })),
    extensions: { events: faults.map(({ index, id, code, field, message }) => ({ index, ...(id === undefined ? {} : { id }), code, field, message })) },
  });
}

/** What the caller had no right to, one word for each kind: that goes on record, what is merely wrong does not. */
export function forbiddenReasons(outcomes: readonly PublishOutcome[]): readonly string[] {
  return [...new Set(outcomes.flatMap((outcome) => (outcome.accepted || !forbidden.has(outcome.code) ? [] : [wordOf(outcome.code)])))];
}

function wordOf(code: PublishRejected['code']): string {
  return code.toLowerCase().replaceAll('_', '-');
}

function statusOf(code: PublishRejected['code']): number {
  if (code === 'EVENT_ID_CONFLICT') return 409;
  if (code === 'EVENT_TOO_LARGE') return 413;
  return forbidden.has(code) ? 403 : 400;
}

/** A full queue is the caller's to wait for; every other failure is as it is everywhere. */
export function problemOfIntake(error: unknown): unknown {
  if (!hasCode(error, 'INTAKE_BUSY')) return error;
  const headers = { 'retry-after': String(Math.ceil(retryAfterMsOf(error) / 1000)) };
  return new ProblemError({ status: 429, code: 'intake-busy', detail: 'More events come in than can be written. Nothing of this request was.', headers });
}
