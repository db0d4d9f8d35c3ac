import { isUtf8 } from 'node:buffer';
import type { IncomingEvent } from '#events';
import { badRequest } from '../http/problem.errors.ts';

/** CloudEvents HTTP binding: one event as JSON, a list of events, or attributes as headers beside the data (binary mode). */
export const cloudEventTypes = ['application/cloudevents+json', 'application/cloudevents-batch+json', 'application/x-ndjson'] as const;

export interface EventBody {
  readonly events: readonly IncomingEvent[];
  /** True when the body is one event: its fields are then named without a number. */
  readonly single: boolean;
}

type Headers = Readonly<Record<string, string | string[] | undefined>>;

/** RFC 4648 section 4; nothing is read over. */
const base64Pattern = /^[A-Za-z0-9+/]*={0,2}$/;
const nothing: Readonly<Record<string, unknown>> = {};
const absent = { value: undefined } as const;

/** Text of a body of one of the types above; one of lines is a list of its lines. */
export function parseEventText(type: string, text: string): unknown {
  if (!type.startsWith('application/x-ndjson')) return JSON.parse(text);
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  return lines.map((line) => JSON.parse(line) as unknown);
}

/**
 * The events of a parsed body. What is no event at all becomes one without attributes, which the intake refuses.
 * @throws ProblemError when headers or base64 cannot be read.
 */
export function readEventBody(headers: Headers, body: unknown): EventBody {
  if (isBinary(headers)) return { events: [{ attributes: headerAttributes(headers), data: { value: body } }], single: true };
  if (Array.isArray(body)) return { events: body.map(structured), single: false };
  return { events: [structured(body)], single: true };
}

function structured(event: unknown): IncomingEvent {
  if (typeof event !== 'object' || event === null) return { attributes: nothing, data: absent };
  const attributes = event as Record<string, unknown>;
  const base64 = attributes['data_base64'];
  if (base64 === undefined || base64 === null) return { attributes, data: { value: attributes['data'] } };
  if (attributes['data'] !== undefined) return { attributes, data: fault('An event has data or data_base64, not both.') };
  if (typeof base64 !== 'string' || !base64Pattern.test(base64)) return { attributes, data: fault('The data is not base64.') };
  const bytes = Buffer.from(base64, 'base64');
  return { attributes, data: isUtf8(bytes) ? { json: bytes.toString('utf8') } : fault('The data is not UTF-8.') };
}

function fault(message: string): IncomingEvent['data'] {
  return { fault: { field: 'data_base64', message } };
}

function isBinary(headers: Headers): boolean {
  return headers['ce-specversion'] !== undefined || headers['ce-type'] !== undefined || headers['ce-id'] !== undefined;
}

function headerAttributes(headers: Headers): Record<string, unknown> {
  const attributes: Record<string, unknown> = {};
  for (const name in headers) {
    const value = headers[name];
    if (name.startsWith('ce-') && typeof value === 'string') attributes[name.slice(3)] = decoded(name, value);
  }
  attributes['datacontenttype'] ??= headers['content-type'];
  return attributes;
}

/** HTTP binding section 3.1.3.2: values are percent-encoded UTF-8. */
function decoded(name: string, value: string): string {
  if (!value.includes('%')) return value;
  try {
    return decodeURIComponent(value);
  } catch {
    const field = `headers.${name}`;
    throw badRequest('invalid-request', `${field}: The value is not percent-encoded UTF-8.`, [{ field, message: 'The value is not percent-encoded UTF-8.' }]);
  }
}
