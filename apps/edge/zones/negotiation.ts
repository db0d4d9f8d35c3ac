import { listMembers, type Field, type Fields } from '#core/http-cache';
import type { ContentCoding } from '#events';
import type { EdgeRequest, TunnelOutcome, TunnelTarget } from '../server/exchange.ts';

/** Spellings that are remembered: there are a few dozen of them among all browsers. */
const spellingsMax = 1000;
/** RFC 9110 section 12.4.2: a weight of zero means "not acceptable". */
const refusal = /^q=0(\.0{0,3})?$/;

/** The first of the codings that the field takes; undefined for none. */
export function codingOf(field: string | undefined, codings: readonly ContentCoding[]): ContentCoding | undefined {
  const said = new Map<string, boolean>();
  for (const member of listMembers(field ?? '')) {
    const [name = '', ...parameters] = member.split(';').map((part) => part.trim().toLowerCase());
    said.set(name === 'x-gzip' ? 'gzip' : name, !parameters.some((parameter) => refusal.test(parameter)));
  }
  return codings.find((coding) => said.get(coding) ?? said.get('*') ?? false);
}

/**
 * Reduces Accept-Encoding to what comes of it in a zone that compresses: the one coding that the client will get. It is what
 * the origin is asked for and what chooses the variant, so that all who get the same bytes share them.
 */
export class Negotiation {
  readonly #codings: readonly ContentCoding[];
  readonly #known = new Map<string, ContentCoding | undefined>();

  constructor(codings: readonly ContentCoding[]) {
    this.#codings = codings;
  }

  /** What there is to ask for, best first; the last takes nothing but plain bytes. */
  get choices(): readonly (ContentCoding | 'identity')[] {
    return [...this.#codings, 'identity'];
  }

  asked(request: EdgeRequest): EdgeRequest {
    const field = request.field('accept-encoding');
    if (field === undefined) return request;
    const coding = this.#codingOf(field);
    return coding === field ? request : new NegotiatedRequest(request, coding);
  }

  #codingOf(field: string): ContentCoding | undefined {
    if (this.#known.has(field)) return this.#known.get(field);
    const coding = codingOf(field, this.#codings);
    if (this.#known.size >= spellingsMax) this.#known.clear();
    this.#known.set(field, coding);
    return coding;
  }
}

/** A request that takes one coding, or none. */
class NegotiatedRequest implements EdgeRequest {
  readonly #request: EdgeRequest;
  readonly #coding: string | undefined;

  constructor(request: EdgeRequest, coding: string | undefined) {
    this.#request = request;
    this.#coding = coding;
  }

  get method(): string {
    return this.#request.method;
  }

  get target(): string {
    return this.#request.target;
  }

  get version(): string {
    return this.#request.version;
  }

  get hasBody(): boolean {
    return this.#request.hasBody;
  }

  get losesBody(): boolean {
    return this.#request.losesBody === true;
  }

  get contentLength(): number | undefined {
    return this.#request.contentLength;
  }

  get clientAddress(): string {
    return this.#request.clientAddress;
  }

  get scheme(): 'http' | 'https' {
    return this.#request.scheme;
  }

  get gone(): AbortSignal {
    return this.#request.gone;
  }

  get zone(): EdgeRequest['zone'] {
    return this.#request.zone;
  }

  get tunnelled(): Promise<number> | undefined {
    return this.#request.tunnelled;
  }

  field(name: string): string | undefined {
    return name === 'accept-encoding' ? this.#coding : this.#request.field(name);
  }

  fields(): Fields {
    const others = this.#request.fields().filter(([name]) => name !== 'accept-encoding');
    const own: readonly Field[] = this.#coding === undefined ? [] : [['accept-encoding', this.#coding]];
    return [...others, ...own];
  }

  body(): ReturnType<EdgeRequest['body']> {
    return this.#request.body();
  }

  allowSilence(): void {
    this.#request.allowSilence();
  }

  tunnel(target: TunnelTarget): Promise<TunnelOutcome> {
    return this.#request.tunnel(target);
  }
}
