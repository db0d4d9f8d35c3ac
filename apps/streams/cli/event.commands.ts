import { backOffMs, pause } from '#runtime';
import { SseParser, type SseMessage } from '#sdk/sse';
import type { CloudEvent, Page } from '../client/api.types.ts';
import { ApiFailure } from '../client/api-client.ts';
import { messageOf } from '../streams.errors.ts';
import type { CommandContext } from './context.ts';

export interface EventFilterOptions {
  readonly context?: string;
  readonly type?: string;
  readonly subject?: string;
  readonly tenant?: string;
}

function queryOf(options: EventFilterOptions, more: Readonly<Record<string, string>>): URLSearchParams {
  const query = new URLSearchParams(more);
  for (const name of ['context', 'type', 'subject', 'tenant'] as const) if (options[name] !== undefined) query.set(name, options[name]);
  return query;
}

const dataCharsMax = 160;

export function eventLine(event: CloudEvent): string {
  const data = JSON.stringify(event.data);
  return `${event.time}  ${event.type.padEnd(24)}  ${event.subject.padEnd(24)}  ${data.length > dataCharsMax ? `${data.slice(0, dataCharsMax)}…` : data}`;
}

export async function listEvents(
  { api, print }: CommandContext,
  options: EventFilterOptions & { readonly limit: number; readonly since?: string; readonly oldest?: boolean },
): Promise<void> {
  const query = queryOf(options, {
    limit: String(options.limit),
    order: options.oldest === true ? 'oldest' : 'newest',
    ...(options.since === undefined ? {} : { since: options.since }),
  });
  const page = await api.call<Page<CloudEvent>>('GET', `/api/v1/events?${query}`);
  // The newest stands last, next to the prompt, as in any log.
  print(page, () => (options.oldest === true ? page.items : page.items.toReversed()).map(eventLine));
}

/** Follows the log until interrupted; a connection that breaks is taken up again where it was. */
export async function tailEvents(context: CommandContext, options: EventFilterOptions & { readonly from: string }, stopping: AbortSignal): Promise<void> {
  let lastId: string | undefined;
  for (let failures = 0; !stopping.aborted; failures++) {
    try {
      for await (const event of follow(context, queryOf(options, { from: options.from }), lastId, stopping)) {
        failures = 0;
        lastId = event.id || lastId;
        context.write(context.isJson ? event.data : eventLine(JSON.parse(event.data) as CloudEvent));
      }
    } catch (error) {
      if (stopping.aborted) return;
      if (lastId === undefined || (error instanceof ApiFailure && error.status < 500)) throw error;
      process.stderr.write(`The connection broke (${messageOf(error).split('\n')[0]}); taking it up again …\n`);
    }
    await pause(backOffMs(failures, 200, 5000), stopping);
  }
}

async function* follow({ api }: CommandContext, query: URLSearchParams, lastId: string | undefined, signal: AbortSignal): AsyncGenerator<SseMessage> {
  const response = await api.open('GET', `/api/v1/events/live?${query}`, {
    signal,
    headers: { accept: 'text/event-stream', ...(lastId === undefined ? {} : { 'last-event-id': lastId }) },
  });
  const parser = new SseParser();
  const text = new TextDecoder();
  for await (const chunk of response.body ?? []) {
    for (const message of parser.push(text.decode(chunk, { stream: true }))) {
      if (message.event === 'error') throw new Error((JSON.parse(message.data) as { detail?: string }).detail ?? 'The gateway ended the feed.');
      yield message;
    }
  }
}
