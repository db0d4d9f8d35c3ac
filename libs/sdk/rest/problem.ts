import { StreamsError, type StreamsErrorCode, type WrongField } from '../errors.ts';

/** RFC 9457 section 3, as far as it is of use here; every member may be missing. */
export interface ProblemDocument {
  readonly status?: number;
  readonly title?: string;
  readonly detail?: string;
  readonly errors?: readonly WrongField[];
}

const codes: Readonly<Record<number, StreamsErrorCode>> = {
  401: 'UNAUTHENTICATED',
  403: 'FORBIDDEN',
  410: 'TOKEN_TRUNCATED',
  413: 'TOO_LARGE',
  429: 'RATE_LIMITED',
};

/** What passes: a time-out, a limit, and everything that went wrong on the other side. */
function passes(status: number): boolean {
  return status === 408 || status === 425 || status === 429 || status >= 500;
}

export function problemError(status: number, problem: ProblemDocument, retryAfterMs?: number): StreamsError {
  const retryable = passes(status);
  const code = codes[status] ?? (retryable ? 'UNAVAILABLE' : 'INVALID');
  return new StreamsError(problem.detail ?? problem.title ?? `Streams answered ${status}.`, { code, retryable, retryAfterMs, fields: problem.errors });
}

/** The document of an answer that says no. Never throws: what is none is told by its status alone. */
export async function problemOf(response: Response): Promise<ProblemDocument> {
  const problem = (await response.json().catch(() => undefined)) as unknown;
  return typeof problem === 'object' && problem !== null ? problem : {};
}

export async function errorOfResponse(response: Response): Promise<StreamsError> {
  return problemError(response.status, await problemOf(response), retryAfterOf(response.headers.get('retry-after')));
}

/** RFC 9110 section 10.2.3: seconds or a date. In ms; undefined for anything else. */
export function retryAfterOf(header: string | null): number | undefined {
  if (header === null) return undefined;
  if (/^\s*\d+(\.\d+)?\s*$/.test(header)) return Number(header) * 1000;
  const at = Date.parse(header);
  return Number.isFinite(at) ? Math.max(0, at - Date.now()) : undefined;
}
