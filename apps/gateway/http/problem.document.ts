import { SealedSegmentDamaged } from '#adapters/sealed-log';
import { hasCode, OperatingError } from '#kernel';
import { intakeLimits } from '#runtime';
import { STATUS_CODES } from 'node:http';
import { cloudEventTypes } from '../publish/cloud-event-body.codec.ts';
import { masterKeyMissing, pastDamaged, positionTruncated, ProblemError, unavailable, type FieldProblem, type ProblemInit } from './problem.errors.ts';

/** RFC 9457 section 3, with `errors` and what the problem brings itself as extension members. */
export interface ProblemDocument {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly instance: string;
  readonly errors?: readonly FieldProblem[];
}

export const problemType = 'application/problem+json; charset=utf-8';

export function documentOf(init: ProblemInit, instance: string): ProblemDocument {
  return {
    type: `urn:streams:problem:${init.code}`,
    title: STATUS_CODES[init.status] ?? 'Error',
    status: init.status,
    detail: init.detail,
    instance,
    ...(init.errors === undefined ? {} : { errors: init.errors }),
    ...init.extensions,
  };
}

/** Most bytes of a body that is no batch of events. */
export const bodyBytesMax = 1_048_576;
/** What bodies of events may be besides JSON. */
const eventTypes = cloudEventTypes.join(', ');
const mebi = (bytes: number): string => `${bytes / 1_048_576} MiB`;

/** What Fastify says by its codes, in our words. */
const fastifyProblems: Readonly<Record<string, Omit<ProblemInit, 'cause'>>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: {
    status: 413,
    code: 'body-too-large',
    detail: `The request body is too large: ${mebi(intakeLimits.bytesMax)} of events is the most, of anything else ${mebi(bodyBytesMax)}.`,
  },
  FST_ERR_CTP_INVALID_MEDIA_TYPE: { status: 415, code: 'unsupported-media-type', detail: `Send the body as application/json; events also as ${eventTypes}.` },
  FST_ERR_CTP_EMPTY_JSON_BODY: { status: 400, code: 'malformed-json', detail: 'The body is empty; expected JSON.' },
  FST_ERR_CTP_INVALID_JSON_BODY: { status: 400, code: 'malformed-json', detail: 'The body is not valid JSON.' },
  FST_ERR_BAD_URL: { status: 400, code: 'malformed-url', detail: 'The path is not a valid percent-encoded URL.' },
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: { status: 400, code: 'content-length-mismatch', detail: 'The body is not as long as Content-Length says.' },
  FST_ERR_MAX_PARAM_LENGTH: { status: 414, code: 'url-too-long', detail: 'A part of the path is too long.' },
};

/** Codes of sockets and of PostgreSQL (classes 08, 53, 57) that mean: the engine is away, not the request wrong. */
const engineDown = /^(ECONN\w+|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|08\w{3}|53\w{3}|57P\d\d)$/;

function codeOf(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : '';
}

/** What Nest made of a failure of Fastify has that failure as its cause. */
function refusalOf(error: unknown): Omit<ProblemInit, 'cause'> | undefined {
  const cause = error instanceof Error && error.name === 'HttpException' ? error.cause : undefined;
  for (const each of [error, cause]) {
    const known = fastifyProblems[codeOf(each)];
    if (known !== undefined) return known;
    if (each instanceof SyntaxError && statusOf(each) === 400) return fastifyProblems['FST_ERR_CTP_INVALID_JSON_BODY'];
  }
  return undefined;
}

function statusOf(error: unknown): number | undefined {
  const { status, statusCode } = (error ?? {}) as { status?: unknown; statusCode?: unknown };
  if (typeof statusCode === 'number') return statusCode;
  return typeof status === 'number' ? status : undefined;
}

/** It does not pass by itself: an operator has to do something. */
function isMasterKeyMissing(error: unknown): boolean {
  return hasCode(error, 'MASTER_KEY_MISSING') || (error instanceof OperatingError && error.cause !== undefined && isMasterKeyMissing(error.cause));
}

/** True when the failure is of the world around us and passes. */
function isEngineDown(error: unknown): boolean {
  // A table that nobody serves yet is one that a projector will make.
  if (hasCode(error, 'TABLE_UNKNOWN') || hasCode(error, 'TOPIC_UNKNOWN')) return true;
  if (error instanceof OperatingError) return error.retryable || (error.cause !== undefined && isEngineDown(error.cause));
  return (
    engineDown.test(codeOf(error)) ||
    /connection terminated|timeout exceeded when trying to connect|cannot use a pool after/i.test(String((error as Error | null)?.message))
  );
}

/** Any failure as the problem it is for the caller; nothing of our insides is told. */
export function problemOf(error: unknown): ProblemError {
  if (error instanceof ProblemError) return error;
  const refusal = refusalOf(error);
  if (refusal !== undefined) return new ProblemError(refusal);
  if (hasCode(error, 'OFFSET_OUT_OF_RANGE')) return positionTruncated(error);
  if (error instanceof SealedSegmentDamaged)
    return pastDamaged('sealed-segment-damaged', `${error.finding}. What it holds cannot be read until whoever runs the platform puts it back.`, error);
  if (hasCode(error, 'LOG_HOLE')) return pastDamaged('log-hole', (error as Error).message, error);
  if (isMasterKeyMissing(error)) return masterKeyMissing(error);
  if (isEngineDown(error)) return unavailable('An engine behind this service does not answer. Try again shortly.', error);
  const status = statusOf(error);
  if (status !== undefined && status >= 400 && status < 500)
    return new ProblemError({ status, code: 'request-refused', detail: String((error as Error).message) });
  return new ProblemError({
    status: 500,
    code: 'internal',
    detail: 'Something went wrong on our side. The log has the details under this request id.',
    cause: error,
  });
}
