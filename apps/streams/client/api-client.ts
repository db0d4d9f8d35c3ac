import { exitCodes, messageOf, PlainFailure } from '../streams.errors.ts';

export interface ApiClientInit {
  /** Without a slash at the end. */
  readonly url: string;
  readonly key: string | undefined;
  readonly timeoutMs?: number;
}

export interface FieldFailure {
  readonly field?: string;
  readonly message?: string;
}

interface Problem {
  /** `urn:streams:problem:CODE` */
  readonly type?: string;
  readonly title?: string;
  readonly detail?: string;
  readonly errors?: readonly FieldFailure[];
}

const problemUrn = 'urn:streams:problem:';

/** An answer of the gateway that says no, told by its problem document (RFC 9457). */
export class ApiFailure extends PlainFailure {
  readonly status: number;
  /** The problem's own, such as `stream-not-found`. */
  readonly code: string;
  readonly errors: readonly FieldFailure[];

  constructor(status: number, message: string, problem: Problem = {}) {
    super(message, status === 401 || status === 403 ? exitCodes.forbidden : exitCodes.failed);
    this.status = status;
    this.code = problem.type?.startsWith(problemUrn) === true ? problem.type.slice(problemUrn.length) : 'failed';
    this.errors = problem.errors ?? [];
  }
}

/** Calls the gateway's REST API. */
export class ApiClient {
  readonly #init: ApiClientInit;

  constructor(init: ApiClientInit) {
    this.#init = init;
  }

  /** @throws ApiFailure when the gateway refuses, PlainFailure when it does not answer. */
  async call<T>(method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE', path: string, body?: unknown, headers: Readonly<Record<string, string>> = {}): Promise<T> {
    const response = await this.open(method, path, { body, headers, signal: AbortSignal.timeout(this.#init.timeoutMs ?? 15_000) });
    if (response.status === 204) return undefined as T;
    try {
      return (await response.json()) as T;
    } catch {
      throw new ApiFailure(response.status, `${this.#init.url} does not answer as Streams does: is this its address?`);
    }
  }

  /** The response itself, when it is one of success. */
  async open(
    method: string,
    path: string,
    options: { readonly body?: unknown; readonly signal?: AbortSignal; readonly headers?: Readonly<Record<string, string>> } = {},
  ): Promise<Response> {
    const headers = {
      ...(this.#init.key === undefined ? {} : { authorization: `Bearer ${this.#init.key}` }),
      ...(options.body === undefined ? {} : { 'content-type': 'application/json' }),
      ...options.headers,
    };
    const response = await this.#fetch(`${this.#init.url}${path}`, {
      method,
      headers,
      ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
    if (!response.ok) {
      const problem = (await response.json().catch(() => ({}))) as Problem;
      throw new ApiFailure(response.status, this.#tell(response.status, problem), problem);
    }
    return response;
  }

  async #fetch(url: string, init: RequestInit): Promise<Response> {
    try {
      return await fetch(url, init);
    } catch (error) {
      if (error instanceof Error && error.name === 'AbortError') throw error;
      const why =
        error instanceof Error && error.name === 'TimeoutError' ? 'it did not answer in time' : messageOf((error as { cause?: unknown }).cause ?? error);
      throw new PlainFailure(
        `Streams cannot be reached at ${this.#init.url} (${why}): start it with "npm start", or name its address with --url.`,
        exitCodes.unreachable,
      );
    }
  }

  #tell(status: number, problem: Problem): string {
    if (status === 401) {
      return this.#init.key === undefined
        ? 'A key is needed: give one with --key or STREAMS_KEY.'
        : `The key is not accepted: ${problem.detail ?? 'it is unknown, expired or revoked'}`;
    }
    const detail = problem.detail ?? problem.title ?? `The gateway answered ${status}.`;
    const fields = (problem.errors ?? []).filter((one) => one.message !== undefined && !detail.includes(one.message));
    return detail + fields.map((one) => `\n  ${one.field ?? ''}: ${one.message}`).join('');
  }
}
