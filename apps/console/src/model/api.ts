/** RFC 9457 problem details, as every refusal of the API comes. */
export interface Problem {
  readonly title: string;
  readonly status: number;
  readonly detail?: string;
}

export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: number;

  constructor(problem: Problem) {
    super(problem.detail ?? problem.title);
    this.status = problem.status;
  }
}

/** What an edge answers for a gateway that is away (RFC 9110 sections 15.6.3 to 15.6.5). */
const awayStatuses: ReadonlySet<number> = new Set([502, 503, 504]);

/** Whether nobody answered: what was asked may go when it is asked again. */
export function isAway(failure: unknown): boolean {
  return failure instanceof ApiError ? awayStatuses.has(failure.status) : failure instanceof NoAnswer;
}

/** The network failed, or nothing has come for too long. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer';

  constructor(cause?: unknown) {
    super('The platform does not answer.', { cause });
  }
}

/** Tells `answered` whenever the gateway has answered, whatever it said: it is there. */
export const gatewayEvents = new EventTarget();

/** Calls the REST API of the same origin: the edge passes `/api` through to the gateway. */
export class Api {
  readonly #key: string;
  readonly #base: string;

  constructor(key: string, base = '') {
    this.#key = key;
    this.#base = base;
  }

  get<T>(path: string, signal?: AbortSignal): Promise<T> {
    return this.#call<T>('GET', path, undefined, signal);
  }

  post<T>(path: string, body: unknown): Promise<T> {
    return this.#call<T>('POST', path, body);
  }

  patch<T>(path: string, body: unknown): Promise<T> {
    return this.#call<T>('PATCH', path, body);
  }

  /** @param conditions such as `If-Match`: what somebody else has changed meanwhile stays as it is */
  put<T>(path: string, body: unknown, conditions: Readonly<Record<string, string>>): Promise<T> {
    return this.#call<T>('PUT', path, body, undefined, conditions);
  }

  delete<T>(path: string): Promise<T> {
    return this.#call<T>('DELETE', path);
  }

  /** The raw response of a stream that stays open. */
  open(path: string, headers: Record<string, string>, signal: AbortSignal): Promise<Response> {
    return fetch(this.#base + path, { headers: { authorization: `Bearer ${this.#key}`, ...headers }, signal, cache: 'no-store' });
  }

  async #call<T>(method: string, path: string, body?: unknown, signal?: AbortSignal, more: Readonly<Record<string, string>> = {}): Promise<T> {
    const headers: Record<string, string> = { ...more, authorization: `Bearer ${this.#key}`, accept: 'application/json' };
    if (body !== undefined) headers['content-type'] = 'application/json';
    const request = {
      method,
      headers,
      cache: 'no-store' as const,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal === undefined ? {} : { signal }),
    };
    const response = await fetch(this.#base + path, request).catch((error: unknown) => {
      throw signal?.aborted === true ? error : new NoAnswer(error);
    });
    if (!awayStatuses.has(response.status)) gatewayEvents.dispatchEvent(new Event('answered'));
    if (!response.ok) throw new ApiError(await problemOf(response));
    // RFC 9110 section 15.3.5: no content.
    return (response.status === 204 ? undefined : await response.json()) as T;
  }
}

/** The problem document of a failed response, or one made up from its status line. */
export async function problemOf(response: Response): Promise<Problem> {
  const fallback: Problem = { title: response.statusText || `HTTP ${response.status}`, status: response.status };
  if (!(response.headers.get('content-type') ?? '').includes('json')) return fallback;
  try {
    return { ...fallback, ...((await response.json()) as Partial<Problem>) };
  } catch {
    return fallback;
  }
}
