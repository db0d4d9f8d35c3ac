import type { RequestHead } from './fields.ts';

/** What a server's parser tells of how a request was framed, for a second look. */
export interface FramedRequest extends Pick<RequestHead, 'field'> {
  /** As the request line says it: `1.1`. */
  readonly version: string;
  /** Whether anything announced a body. */
  readonly hasBody: boolean;
  /** The runtime keeps it to itself: without it the request would be another one. */
  readonly losesBody?: boolean;
}

/** A host name or address, and a port (RFC 9110 section 7.2). Narrower than RFC 3986: nothing that one parser takes for a delimiter. */
const hostPattern = /^(?:[A-Za-z0-9._~-]+|\[[0-9A-Fa-f:.]+\])(?::(\d{1,5}))?$/;
const lengthPattern = /^\d{1,15}$/;
const portMax = 65_535;

function isHost(value: string): boolean {
  const match = hostPattern.exec(value);
  return match !== null && Number(match[1] ?? 0) <= portMax;
}

/**
 * Why a request is refused although the runtime's parser let it through; undefined when it is well framed. Two parsers
 * that read one request differently are what request smuggling is made of (RFC 9112 section 11.2), so nothing passes that
 * needs a reading. Repeated lines of a field arrive here joined by a comma, which none of these values may contain.
 */
export function framingFault(request: FramedRequest): string | undefined {
  const { version } = request;
  if (version !== '1.1' && version !== '1.0') return 'The version of HTTP is not one that is spoken here.';
  const host = request.field('host');
  // RFC 9112 section 3.2: 400 for no Host, more than one, or one that is invalid. HTTP/1.0 need not have it.
  if (host === undefined ? version === '1.1' : !isHost(host)) return 'Host is not one valid host.';
  if (!request.hasBody) return undefined;
  const encoding = request.field('transfer-encoding');
  const length = request.field('content-length');
  if (encoding !== undefined) {
    // RFC 9112 section 6.1: a server ought to refuse both together; HTTP/1.0 knows no transfer coding.
    if (length !== undefined) return 'A request has one framing, not two.';
    if (version === '1.0') return 'HTTP/1.0 knows no transfer coding.';
    // RFC 9112 section 6.3: chunked must come last; no other coding is understood here.
    if (encoding.toLowerCase() !== 'chunked') return 'The transfer coding is not chunked alone.';
  }
  // RFC 9112 section 6.3: a list of equal lengths could be repaired; who sends it is not to be trusted with more.
  if (length !== undefined && !lengthPattern.test(length)) return 'Content-Length is not one number.';
  if (request.losesBody === true) return 'A body with GET or HEAD is not taken here.';
  return undefined;
}
