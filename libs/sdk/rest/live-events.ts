import { StreamsError } from '../errors.ts';
import type { CloudEventJson } from '../event/index.ts';
import { SseParser, type SseMessage } from '../sse/index.ts';
import type { Delivery, EventFilter, Start } from '../transport.ts';
import { problemError, type ProblemDocument } from './problem.ts';

/** The query of a live feed. */
export function liveQuery({ contexts, types, subject, subjectPrefix, key, tenant }: EventFilter, start: Start): URLSearchParams {
  const query = new URLSearchParams();
  if (contexts !== undefined) query.set('context', contexts.join());
  if (types !== undefined) query.set('type', types.join());
  if (subject !== undefined) query.set('subject', subject);
  if (subjectPrefix !== undefined) query.set('subjectPrefix', subjectPrefix);
  if (key !== undefined) query.set('key', key);
  if (tenant !== undefined) query.set('tenant', tenant);
  if ('time' in start) query.set('since', String(start.time));
  else query.set('from', 'at' in start ? start.at : start.token);
  return query;
}

/** Longer than the other side is ever silent while it is there (it writes a heartbeat every 10 s). */
const silenceMsMax = 45_000;

/** The deliveries of a stream of server-sent events, until it ends. @throws StreamsError when it broke, or says why it ends. */
export async function* liveEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<Delivery> {
  const reader = body.getReader();
  const parser = new SseParser();
  const text = new TextDecoder();
  let token = '';
  try {
    for (;;) {
      const { done, value } = await readWithin(reader, silenceMsMax);
      if (done) return;
      for (const message of parser.push(text.decode(value, { stream: true }))) {
        token = message.id;
        yield { events: [eventOf(message)], token };
      }
      // An id without data: the filter left events out, and the place moves past them.
      if (parser.lastId !== token) {
        token = parser.lastId;
        yield { events: [], token };
      }
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

function eventOf({ event, data }: SseMessage): CloudEventJson {
  const value = JSON.parse(data) as CloudEventJson;
  if (event !== 'error') return value;
  const problem = value as ProblemDocument;
  throw problemError(problem.status ?? 503, problem);
}

async function readWithin(reader: ReadableStreamDefaultReader<Uint8Array>, ms: number): Promise<{ done: boolean; value?: Uint8Array | undefined }> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const silence = new Promise<never>((_, reject) => {
    const message = `Streams has said nothing for ${ms / 1000} s.`;
    timer = setTimeout(() => reject(new StreamsError(message, { code: 'UNAVAILABLE', retryable: true })), ms);
  });
  try {
    return await Promise.race([reader.read(), silence]);
  } finally {
    clearTimeout(timer);
  }
}
