import { fieldValue, listMembers, type Field, type Fields } from './fields.ts';
import { formatHttpDate } from './http-date.codec.ts';
import { normaliseAcceptEncoding } from './vary.core.ts';

/** RFC 9110 section 7.6.1: connection options, and the fields that older peers fail to name in Connection. */
const hopByHop = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
]);

/** Fields without the ones that belong to a single connection. */
export function withoutHopByHop(fields: Fields): Field[] {
  const named = new Set(listMembers(fieldValue(fields, 'connection') ?? '').map((name) => name.toLowerCase()));
  return fields.filter(([name]) => !hopByHop.has(name) && !named.has(name));
}

/** What this cache says anew in every answer. */
const ownFields = new Set(['age', 'cache-status', 'content-length', 'date']);

/**
 * The fields of a response that are kept (RFC 9111 section 3.1). Content-Length is what is really there; Date is added
 * when the origin has no clock (RFC 9110 section 6.6.1).
 */
export function endToEndFields(fields: Fields, responseTimeMs: number): Fields {
  const kept = withoutHopByHop(fields).filter(([name]) => !ownFields.has(name));
  kept.push(['date', fieldValue(fields, 'date') ?? formatHttpDate(responseTimeMs)]);
  return kept;
}

/**
 * Request fields with which a client could choose what others are served, although no key and no Vary shows them, or that
 * ask for less than the whole. A fill goes without: it is asked for on behalf of everybody.
 */
const notInFills = new Set([
  'host',
  'content-length',
  'expect',
  'range',
  'if-range',
  'if-match',
  'if-none-match',
  'if-modified-since',
  'if-unmodified-since',
  'cache-control',
  'pragma',
  'forwarded',
  'via',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-port',
  'x-forwarded-proto',
  'x-forwarded-prefix',
  'x-forwarded-scheme',
  'x-forwarded-server',
  'x-streams-edge',
  'x-host',
  'x-http-method-override',
  'x-method-override',
  'x-original-host',
  'x-original-url',
  'x-rewrite-url',
  'x-real-ip',
]);

/** The request fields of a fill. Accept-Encoding is asked for in the one spelling in which variants are told apart. */
export function fillFields(request: Fields): Field[] {
  const fields = withoutHopByHop(request).filter(([name]) => !notInFills.has(name) && name !== 'accept-encoding');
  const encodings = normaliseAcceptEncoding(fieldValue(request, 'accept-encoding') ?? '');
  fields.push(['accept-encoding', encodings === '' ? 'identity' : encodings]);
  return fields;
}

/** What the edge knows about who asked. */
export interface Forwarder {
  readonly clientAddress: string;
  readonly scheme: string;
  /** The name under which this edge puts itself into Via (RFC 9110 section 7.6.3). */
  readonly pseudonym: string;
}

/** What a client claims about itself is not passed on: the edge is the first that can be trusted. */
const replacedInPassThrough = new Set([
  'host',
  'forwarded',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  'x-forwarded-port',
  'x-real-ip',
  'x-original-url',
  'x-rewrite-url',
  'x-streams-edge',
]);

/** The request fields of a request that is passed through for one client. */
export function passThroughFields(request: Fields, forwarder: Forwarder): Field[] {
  const fields = withoutHopByHop(request).filter(([name]) => !replacedInPassThrough.has(name) && name !== 'expect');
  const via = fieldValue(fields, 'via');
  const others = fields.filter(([name]) => name !== 'via');
  const own = `1.1 ${forwarder.pseudonym}`;
  others.push(['via', via === undefined ? own : `${via}, ${own}`]);
  others.push(['x-forwarded-for', forwarder.clientAddress], ['x-forwarded-proto', forwarder.scheme]);
  const host = fieldValue(request, 'host');
  if (host !== undefined) others.push(['x-forwarded-host', host]);
  return others;
}
