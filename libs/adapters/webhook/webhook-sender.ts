import { lookup as resolve } from 'node:dns';
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { LookupFunction } from 'node:net';
import { isPublicAddress, literalAddressOf } from './public-address.ts';

export interface WebhookSenderInit {
  /** For the whole of a try: looking the name up, connecting, sending, the head of the answer and what is read of it, ms. */
  readonly timeoutMs: number;
  /** Private, loopback and other special addresses are posted to as well. */
  readonly privateAddresses: boolean;
  /** How names are looked up; the system's way by default. */
  readonly lookup?: LookupFunction;
  /** Which addresses are anybody's; by default those outside of IANA's special-purpose registries. */
  readonly isPublic?: (address: string) => boolean;
}

export interface SendOutcome {
  /** HTTP status; undefined when there was no answer. */
  readonly status: number | undefined;
  /** The beginning of the answer, or why there was none. */
  readonly detail: string;
  /** What the receiver asked us to wait, ms. */
  readonly retryAfterMs: number | undefined;
  /** The address may not be posted to. */
  readonly forbidden: boolean;
}

/** Of an answer so much is read and kept; the rest is not waited for. */
const answerBytesMax = 1024;
const dayMs = 86_400_000;

class ForbiddenAddress extends Error {
  constructor(host: string, address: string) {
    super(`${host} leads to ${address}, which is not on the public internet; WEBHOOK_PRIVATE_ADDRESSES=true allows it.`);
  }
}

/**
 * Posts to URLs that strangers chose. A name is looked up once per connection, and the connection goes to the very address
 * that was judged: a name that means something else a moment later leads nowhere. Redirects are answers like any other and
 * not followed.
 */
export class WebhookSender {
  readonly #init: WebhookSenderInit;
  readonly #http: HttpAgent;
  readonly #https: HttpsAgent;

  constructor(init: WebhookSenderInit) {
    this.#init = init;
    const options = {
      keepAlive: true,
      maxSockets: 256,
      maxFreeSockets: 64,
      timeout: init.timeoutMs,
      lookup: this.#guarded(init.lookup ?? (resolve as LookupFunction)),
    };
    this.#http = new HttpAgent(options);
    this.#https = new HttpsAgent(options);
  }

  /** Never throws: whatever happens is an outcome. */
  async post(url: string, headers: Readonly<Record<string, string>>, body: string, signal?: AbortSignal): Promise<SendOutcome> {
    const nothing = { status: undefined, retryAfterMs: undefined, forbidden: false };
    try {
      const target = new URL(url);
      const literal = literalAddressOf(target);
      if (literal !== undefined && !this.#mayReach(literal)) throw new ForbiddenAddress(target.hostname, literal);
      return await this.#send(target, headers, body, signal);
    } catch (error) {
      const { message, code } = error as { message?: string; code?: string };
      return { ...nothing, forbidden: error instanceof ForbiddenAddress, detail: message || code || String(error) };
    }
  }

  close(): void {
    this.#http.destroy();
    this.#https.destroy();
  }

  #mayReach(address: string): boolean {
    return this.#init.privateAddresses || (this.#init.isPublic ?? isPublicAddress)(address);
  }

  #guarded(lookup: LookupFunction): LookupFunction {
    return (host, options, done) => {
      lookup(host, { ...options, all: true }, (error, found, family) => {
        if (error !== null) return done(error, []);
        const addresses = Array.isArray(found) ? found : [{ address: found, family: family ?? 4 }];
        // One bad address is enough: which of them a connection would take is not ours to say.
        const bad = addresses.find(({ address }) => !this.#mayReach(address));
        if (bad !== undefined) return done(new ForbiddenAddress(host, bad.address), []);
        if (options.all === true) return done(null, addresses);
        const [first] = addresses;
        done(null, first?.address ?? '', first?.family ?? 4);
      });
    };
  }

  #send(url: URL, headers: Readonly<Record<string, string>>, body: string, signal?: AbortSignal): Promise<SendOutcome> {
    const { timeoutMs } = this.#init;
    const secure = url.protocol === 'https:';
    const late = AbortSignal.timeout(timeoutMs);
    const options: RequestOptions = {
      method: 'POST',
      agent: secure ? this.#https : this.#http,
      headers: { ...headers, 'content-length': Buffer.byteLength(body) },
      signal: signal === undefined ? late : AbortSignal.any([late, signal]),
    };
    return new Promise((resolve, reject) => {
      const sent = (secure ? httpsRequest : httpRequest)(url, options, (answer) => {
        resolve(outcomeOf(answer));
      });
      const failed = (error: Error): void => reject(late.aborted ? new Error(`No answer within ${timeoutMs / 1000} s.`) : error);
      sent.on('error', failed);
      // Without who takes it over, Node drops the connection and says nothing more of the request.
      sent.on('upgrade', (answer, socket) => {
        socket.destroy();
        resolve(outcome(answer, 'The answer changes to another protocol, which was not asked for.'));
      });
      // Whatever the connection does, or leaves out: a try is over when its time is.
      late.addEventListener('abort', () => failed(new Error('late')), { once: true });
      sent.end(body);
    });
  }
}

async function outcomeOf(answer: IncomingMessage): Promise<SendOutcome> {
  const { statusCode: status = 0, headers } = answer;
  const said = await beginningOf(answer);
  return outcome(
    answer,
    status >= 300 && status < 400 && headers.location !== undefined ? `The answer redirects to ${headers.location}, which is not followed.` : said,
  );
}

function outcome(answer: IncomingMessage, detail: string): SendOutcome {
  return { status: answer.statusCode ?? 0, detail: detail.slice(0, answerBytesMax), retryAfterMs: retryAfterOf(answer), forbidden: false };
}

/** What can be read of an answer; one that breaks off has said what it has said. */
async function beginningOf(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      size += chunk.length;
      // Leaving the loop ends the connection: an answer without an end is nobody's to wait for.
      if (size >= answerBytesMax) break;
    }
  } catch {
    // The status counts.
  }
  return Buffer.concat(chunks).subarray(0, answerBytesMax).toString('utf8');
}

/** RFC 9110 section 10.2.3: seconds, or a date. At most a day is granted. */
function retryAfterOf({ headers }: IncomingMessage): number | undefined {
  const text = headers['retry-after'];
  if (text === undefined) return undefined;
  const ms = /^\d{1,9}$/.test(text) ? Number(text) * 1000 : Date.parse(text) - Date.now();
  return Number.isFinite(ms) ? Math.min(dayMs, Math.max(0, ms)) : undefined;
}
