import { create, toBinary } from '@bufbuild/protobuf';
import { anyPack, DurationSchema, type Any } from '@bufbuild/protobuf/wkt';
import { Metadata, status, type StatusObject } from '@grpc/grpc-js';
import { problemOf } from '../http/problem.document.ts';
import type { ProblemError } from '../http/problem.errors.ts';
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from './generated/google/rpc/error_details_pb.ts';
import { StatusSchema } from './generated/google/rpc/status_pb.ts';

/** Who gives the reasons in google.rpc.ErrorInfo. */
export const errorDomain = 'streams';

/** Our problems are told apart by their HTTP status; https://google.aip.dev/193 and google.rpc.Code name the other side. */
const codes: Readonly<Record<number, status>> = {
  400: status.INVALID_ARGUMENT,
  401: status.UNAUTHENTICATED,
  403: status.PERMISSION_DENIED,
  404: status.NOT_FOUND,
  409: status.ABORTED,
  410: status.OUT_OF_RANGE,
  412: status.FAILED_PRECONDITION,
  413: status.INVALID_ARGUMENT,
  422: status.INVALID_ARGUMENT,
  429: status.RESOURCE_EXHAUSTED,
  501: status.UNIMPLEMENTED,
  503: status.UNAVAILABLE,
};

/** Metadata that repeats the token of a stream that was ended, for clients that read no details. */
export const tokenMetadata = 'streams-resume-token';

/** More than a client can make sense of, and than headers should hold. */
const violationsMax = 20;
const detailBytesMax = 4_096;

function detailsOf({ init }: ProblemError): Any[] {
  const metadata: Record<string, string> = {};
  for (const [name, value] of Object.entries(init.extensions ?? {})) if (typeof value !== 'object') metadata[name] = String(value);
  const details = [anyPack(ErrorInfoSchema, create(ErrorInfoSchema, { reason: reasonOf(init.code), domain: errorDomain, metadata }))];
  if (init.errors !== undefined && init.errors.length > 0) {
    const fieldViolations = init.errors.slice(0, violationsMax).map(({ field, message, code }) => ({
      field: field.slice(0, 256),
      description: message.slice(0, 512),
      reason: code === undefined ? '' : reasonOf(code),
    }));
    details.push(anyPack(BadRequestSchema, create(BadRequestSchema, { fieldViolations })));
  }
  const retryAfterSeconds = Number(init.headers?.['retry-after']);
  if (Number.isFinite(retryAfterSeconds)) {
    const retryDelay = create(DurationSchema, { seconds: BigInt(Math.floor(retryAfterSeconds)), nanos: Math.round((retryAfterSeconds % 1) * 1e9) });
    details.push(anyPack(RetryInfoSchema, create(RetryInfoSchema, { retryDelay })));
  }
  return details;
}

function reasonOf(code: string): string {
  return code.toUpperCase().replaceAll('-', '_');
}

/** A failure as the gRPC status that its caller gets. `token` goes along when a stream can be resumed. */
export function statusOf(error: unknown, token?: string): StatusObject {
  const problem = problemOf(error);
  const code = problem.init.code === 'event-id-conflict' ? status.ALREADY_EXISTS : (codes[problem.init.status] ?? status.INTERNAL);
  // Header values are one line (RFC 9110 section 5.5).
  const message = problem.init.detail.replaceAll(/\s+/g, ' ').slice(0, 1_024);
  const metadata = new Metadata();
  const bytes = Buffer.from(toBinary(StatusSchema, create(StatusSchema, { code, message, details: detailsOf(problem) })));
  if (bytes.length <= detailBytesMax) metadata.set('grpc-status-details-bin', bytes);
  if (token !== undefined) metadata.set(tokenMetadata, token);
  return { code, details: message, metadata };
}
