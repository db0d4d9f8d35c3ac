import { fieldValue, listMembers, type Field, type Fields } from './fields.ts';
import { formatHttpDate } from './http-date.codec.ts';
import { ownTarget } from './targeted-control.policy.ts';
import { normaliseAcceptEncoding } from './vary.core.ts';

/** RFC 9110 section 7.6.1: connection options, and the fields that older peers fail to name in Connection. */
const hopByHop = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  // RFC 9111 section 3.1: fields of the proxy itself are not stored.
  'proxy-authentication-info',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
]);

/** Fields without the ones that belong to a single connection. */
export function withoutHopByHop(fields: Fields): Field[] {
  const connection = fieldValue(fields, 'connection');
  // Most name nothing that would not go anyway.
  if (connection === undefined || connection === 'keep-alive' || connection === 'close') return fields.filter((field) => !hopByHop.has(field[0]));
  const named = new Set(listMembers(connection).map((name) => name.toLowerCase()));
  return fields.filter(([name]) => !hopByHop.has(name) && !named.has(name));
}

/** What this cache says anew in every answer. */
const ownFields = new Set(['age', 'cache-status', 'content-length', 'date', ownTarget]);

/**
 * The fields of a response that are kept (RFC 9111 section 3.1). Content-Length is what is really there; Date is added
 * when the origin has no clock (RFC 9110 section 6.6.1).
 */
export function endToEndFields(fields: Fields, responseTimeMs: number): Fields {
  const kept = withoutHopByHop(fields).filter((field) => !ownFields.has(field[0]));
  const dates = fields.filter((field) => field[0] === 'date');
  // Responses of one second share the field: there are as many of them as there are objects.
  const date: Field = dates.length === 1 ? (dates[0] as Field) : ['date', fieldValue(dates, 'date') ?? formatHttpDate(responseTimeMs)];
  kept.push(date);
  return kept;
}

/**
 * Request fields with which a client could choose what others are served, although no key and no Vary shows them ("cache
 * poisoning", Kettle 2018), or that ask for less than the whole. A fill goes without: it is asked for on behalf of everybody.
 */
const notInFills = new Set([
  // Of one client's request: the fill has its own.
  ...['host', 'content-length', 'content-type', 'expect', 'range', 'if-range', 'if-match', 'if-none-match', 'if-modified-since', 'if-unmodified-since'],
  ...['cache-control', 'pragma', 'x-streams-edge', 'max-forwards'],
  // Another host, scheme, port or address than the one that is asked.
  ...['forwarded', 'x-forwarded', 'x-forwarded-by', 'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-port', 'x-forwarded-prefix', 'x-forwarded-proto'],
  ...[
    'x-forwarded-protocol',
    'x-forwarded-scheme',
    'x-forwarded-server',
    'x-forwarded-ssl',
    'x-forwarded-path',
    'x-forwarded-uri',
    'x-host',
    'x-http-host-override',
  ],
  ...[
    'x-original-host',
    'x-original-forwarded-for',
    'x-real-ip',
    'x-real-host',
    'x-client-ip',
    'x-cluster-client-ip',
    'x-remote-addr',
    'x-remote-ip',
    'true-client-ip',
  ],
  ...['cf-connecting-ip', 'fastly-client-ip', 'front-end-https', 'x-url-scheme', 'x-proxy-url', 'x-backend', 'x-backend-host', 'client-ip', 'via-host'],
  // Another path, or another method.
  ...[
    'x-original-url',
    'x-original-uri',
    'x-rewrite-url',
    'x-http-method',
    'x-http-method-override',
    'x-method-override',
    'x-http-path-override',
    'destination',
  ],
  // A switch that frameworks read.
  ...['x-middleware-prefetch', 'x-middleware-rewrite', 'x-middleware-subrequest', 'x-nextjs-data', 'x-now-route-matches', 'x-invoke-status', 'x-debug'],
]);

/** A name that CGI and its heirs cannot tell from the one with hyphens: `Transfer_Encoding`, `X_Forwarded_For`. */
const ambiguousName = /_/;
/** RFC 9110 section 5.5: control characters in a value are invalid; a recipient that forwards it anyway passes the danger on. */
// eslint-disable-next-line no-control-regex -- they are what is looked for
const controls = /[\x00-\x08\x0a-\x1f\x7f]/;

function isPassable(field: Field): boolean {
  return !ambiguousName.test(field[0]) && !controls.test(field[1]);
}

const viaCharsMax = 1024;

/** RFC 9110 section 7.6.3: who forwards a message adds itself to Via. */
function ownVia(request: Fields, pseudonym: string): Field {
  const via = fieldValue(request, 'via');
  const own = `1.1 ${pseudonym}`;
  return ['via', via === undefined ? own : `${via.slice(0, viaCharsMax)}, ${own}`];
}

/** What this CDN is called in CDN-Loop; each edge says which it is. */
const cdnId = 'streams';
/** Edges of this CDN on the way of one request at most: one near the client, its shield, and one to spare. */
export const cdnHopsMax = 3;

/** RFC 8586 section 2: each CDN adds itself, and nobody in between may take that away. */
function ownCdnLoop(request: Fields, pseudonym: string): Field {
  const before = fieldValue(request, 'cdn-loop');
  const own = `${cdnId}; edge=${/^[\w.-]+$/.test(pseudonym) ? pseudonym : '"?"'}`;
  return ['cdn-loop', before === undefined ? own : `${before.slice(0, viaCharsMax)}, ${own}`];
}

/** How many edges of this CDN a request has come through, as CDN-Loop tells it. */
export function cdnHops(cdnLoop: string | undefined): number {
  if (cdnLoop === undefined) return 0;
  return listMembers(cdnLoop).filter((member) => (member.split(';', 1)[0] as string).trim().toLowerCase() === cdnId).length;
}

/** Whether a request has already come through the intermediary of this name: it would go round for ever (RFC 9110 section 7.6.3). */
export function isLoop(via: string | undefined, pseudonym: string): boolean {
  if (via === undefined) return false;
  return listMembers(via).some((member) => member.split(/[ \t]+/)[1] === pseudonym);
}

const saidAnew = new Set(['accept-encoding', 'via', 'cdn-loop']);

/** The request fields of a fill. Accept-Encoding is asked for in the one spelling in which variants are told apart. */
export function fillFields(request: Fields, pseudonym: string): Field[] {
  const fields = withoutHopByHop(request).filter((field) => !notInFills.has(field[0]) && !saidAnew.has(field[0]) && isPassable(field));
  const encodings = normaliseAcceptEncoding(fieldValue(request, 'accept-encoding') ?? '');
  fields.push(['accept-encoding', encodings === '' ? 'identity' : encodings], ownVia(request, pseudonym), ownCdnLoop(request, pseudonym));
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
  'expect',
  'via',
  'cdn-loop',
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
  const others = withoutHopByHop(request).filter((field) => !replacedInPassThrough.has(field[0]) && isPassable(field));
  others.push(ownVia(request, forwarder.pseudonym), ownCdnLoop(request, forwarder.pseudonym));
  others.push(['x-forwarded-for', forwarder.clientAddress], ['x-forwarded-proto', forwarder.scheme]);
  const host = fieldValue(request, 'host');
  if (host !== undefined) others.push(['x-forwarded-host', host]);
  return others;
}
