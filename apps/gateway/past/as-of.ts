import { dayMs } from '#events';
import type { EventLog } from '#ports';
import type { PastMoment } from '#runtime';
import { lanes } from '../events/event-filter.core.ts';
import type { ResumeTokens, TokenPositions } from '../events/resume-token.codec.ts';
import { tokenRefused } from '../events/subscriptions.ts';
import { badRequest, type ProblemError } from '../http/problem.errors.ts';

/** A moment that somebody asks for. */
export interface AsOf extends PastMoment {
  /** ms since the Unix epoch; undefined for the positions of a token. */
  readonly atMs: number | undefined;
  /** What was asked, as it goes into URLs. */
  readonly text: string;
}

/** RFC 3339 with a time zone. */
const timeShape = /^\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?([Zz]|[+-]\d{2}:\d{2})$/;

export interface AsOfDeps {
  readonly log: EventLog;
  readonly tokens: ResumeTokens;
  readonly nowMs: number;
}

/** What could be meant as a token. */
const tokenShape = /^[A-Za-z0-9_-]{24,}$/;

/**
 * Reads a time or a token of a live reader. A time means everything that the log had recorded by then (its own time, not
 * the event's): per partition that is a beginning of it, what readers could see, and it never changes afterwards.
 * @throws ProblemError 400 naming the field
 */
export function readAsOf(text: string, field: string, { log, tokens, nowMs }: AsOfDeps): AsOf {
  if (!timeShape.test(text)) return { atMs: undefined, text, before: positionsOf(text, field, tokens) };
  const atMs = dayMs(text.replace(' ', 'T'));
  if (Number.isNaN(atMs)) throw asOfProblem('invalid-request', field, 'There is no such day or time.');
  if (atMs > nowMs) throw asOfProblem('as-of-in-future', field, `This time has not come yet: it is ${new Date(nowMs).toISOString()} here.`);
  return { atMs, text: new Date(atMs).toISOString(), before: (topic, partition) => log.offsetAt(topic, partition, atMs + 1) };
}

function positionsOf(text: string, field: string, tokens: ResumeTokens): PastMoment['before'] {
  const parsed = tokens.moment(text);
  if ('refused' in parsed) {
    if (tokenShape.test(text)) throw tokenRefused(parsed.refused, field);
    throw asOfProblem('invalid-request', field, 'Expected a time such as 2026-11-26T14:05:00Z, or the token of a live reader.');
  }
  return async (topic, partition) => positionIn(parsed.positions, topic, partition, field);
}

function positionIn(positions: TokenPositions, topic: string, partition: number, field: string): bigint {
  const position = positions[lanes.findIndex((lane) => lane.topic === topic && lane.partition === partition)];
  if (position !== undefined) return position;
  throw asOfProblem(
    'token-of-other-filter',
    field,
    `This token does not say where ${topic}/${partition} stood: use one of a reader without a filter, or a time.`,
  );
}

export function asOfProblem(code: string, field: string, message: string): ProblemError {
  return badRequest(code, `${field}: ${message}`, [{ field, message }]);
}
