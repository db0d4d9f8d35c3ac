import { networkFault } from '#core/network';
import type { ZoneConfiguration, ZoneHeaderEdit, ZoneOrigin, ZoneRule } from '#events';
import { pathPatternFault } from './path-pattern.core.ts';

/** The first thing that is wrong, by its place in the configuration: `rules.2.match.paths.0`. */
export interface ZoneProblem {
  readonly field: string;
  readonly message: string;
}

const label = '[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?';
const exactName = new RegExp(`^${label}(?:\\.${label})*$`);
const wildcard = new RegExp(`^\\*\\.${label}(?:\\.${label})+$`);
const token = /^[a-z0-9!#$%&'*+.^_`|~-]+$/;
/** RFC 9110 section 5.5: no control character but the tab. */
// oxlint-disable-next-line no-control-regex -- they are what is looked for
const controls = /[\x00-\x08\x0a-\x1f\x7f]|[^\x00-\xff]/;
const mediaType = /^[a-z0-9!#$&^_.+-]+\/(?:\*|[a-z0-9!#$&^_.+-]+)$/;
const pem = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/;

/** Fields of the connection, of the framing, and those by which edges know and trust each other: no rule changes them. */
const reserved = new Set([
  ...['connection', 'keep-alive', 'proxy-connection', 'te', 'trailer', 'transfer-encoding', 'upgrade', 'content-length', 'host', 'expect'],
  ...['via', 'cdn-loop', 'age', 'date', 'cache-status', 'proxy-status', 'content-encoding', 'content-range', 'vary', 'etag', 'range', 'if-range'],
  ...['x-forwarded-for', 'x-streams-edge', 'streams-cache-control', 'accept-encoding'],
]);

function hostFault(host: string): string | undefined {
  if (host !== host.toLowerCase()) return 'Expected lower case.';
  if (/^[\d.]+$/.test(host) || host.includes(':') || host.startsWith('[')) return 'Expected a name, not an address and no port.';
  if (host.startsWith('*')) return wildcard.test(host) ? undefined : 'Expected a wildcard such as *.example.org, above at least two labels.';
  return exactName.test(host) ? undefined : 'Expected a host name such as www.example.org (international names in their xn-- form).';
}

function originFault(origin: ZoneOrigin): ZoneProblem | undefined {
  const { http2, tls, url: text } = origin;
  const wrong = (field: string, message: string): ZoneProblem => ({ field, message });
  if (!URL.canParse(text)) return wrong('url', 'Expected a URL such as https://origin.example.org.');
  const url = new URL(text);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return wrong('url', 'Expected https:// or http://.');
  if (url.username !== '' || url.password !== '') return wrong('url', 'Expected no name and password in it: it is on the record.');
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '') return wrong('url', 'Expected scheme, host and port alone, without a path.');
  if (url.protocol === 'http:' && tls !== undefined) return wrong('tls', 'Expected an https:// origin.');
  if (url.protocol === 'http:' && http2 === true) return wrong('http2', 'Expected an https:// origin: HTTP/2 is agreed on in TLS.');
  if (tls?.serverName !== undefined && !exactName.test(tls.serverName)) return wrong('tls.serverName', 'Expected a host name.');
  if (tls?.ca !== undefined && !pem.test(tls.ca)) return wrong('tls.ca', 'Expected certificates in PEM form.');
  return undefined;
}

function editFault({ name, op, value }: ZoneHeaderEdit): ZoneProblem | undefined {
  if (!token.test(name)) return { field: 'name', message: 'Expected the name of a header field in lower case.' };
  if (reserved.has(name)) return { field: 'name', message: `${name} is the edge’s own to say.` };
  if (op === 'remove') return value === undefined ? undefined : { field: 'value', message: 'What is removed has no value.' };
  if (value === undefined) return { field: 'value', message: 'Expected the value.' };
  return controls.test(value) ? { field: 'value', message: 'Expected text of one line.' } : undefined;
}

function redirectFault(to: string): string | undefined {
  const plain = to.replaceAll('$path', '/p').replaceAll('$query', '');
  if (/\s/.test(to) || controls.test(to)) return 'Expected no white space.';
  if (plain.startsWith('/') && !plain.startsWith('//')) return undefined;
  if (!URL.canParse(plain) || !/^https?:$/.test(new URL(plain).protocol)) return 'Expected an absolute http(s) URL, or a path that begins with one "/".';
  // "https://good.example$path" with a path of "//evil" stays on its host; a host that is made of the request does not.
  return /^https?:\/\/[^/?#$]+(?:[/?#]|\$path|$)/i.test(to) ? undefined : 'Expected a host that does not depend on the request.';
}

/** Runs checks in order; where each stands is put before what it says. */
function first(checks: Iterable<readonly [field: string, fault: string | ZoneProblem | undefined]>): ZoneProblem | undefined {
  for (const [field, fault] of checks) {
    if (fault === undefined) continue;
    return typeof fault === 'string' ? { field, message: fault } : { field: `${field}.${fault.field}`, message: fault.message };
  }
  return undefined;
}

function* ruleChecks({
  match,
  query,
  redirect,
  requestHeaders,
  responseHeaders,
  ttl,
  ...rest
}: ZoneRule): Generator<[string, string | ZoneProblem | undefined]> {
  for (const [at, pattern] of (match?.paths ?? []).entries()) yield [`match.paths.${at}`, pathPatternFault(pattern)];
  for (const [at, type] of (match?.contentTypes ?? []).entries())
    yield [`match.contentTypes.${at}`, mediaType.test(type) ? undefined : 'Expected a media type in lower case such as text/css or image/*.'];
  yield ['query', queryFault(query)];
  // Before the origin has answered nobody knows its type.
  const early = redirect !== undefined || query !== undefined || requestHeaders !== undefined || rest.bypass !== undefined;
  const typed = match?.contentTypes !== undefined;
  yield [
    'match.contentTypes',
    typed && early ? 'A rule by the type of the response cannot redirect, bypass, choose the key or change the request.' : undefined,
  ];
  if (redirect !== undefined) {
    yield ['redirect.to', redirectFault(redirect.to)];
    yield ['redirect.status', [304, 305, 306].includes(redirect.status ?? 301) ? 'Expected 301, 302, 303, 307 or 308.' : undefined];
  }
  for (const [at, edit] of (requestHeaders ?? []).entries()) yield [`requestHeaders.${at}`, editFault(edit)];
  for (const [at, edit] of (responseHeaders ?? []).entries()) yield [`responseHeaders.${at}`, editFault(edit)];
  if (ttl?.min !== undefined && ttl.max !== undefined && ttl.min > ttl.max) yield ['ttl.min', 'Expected at most ttl.max.'];
}

function queryFault(query: ZoneRule['query']): ZoneProblem | undefined {
  if (query === undefined) return undefined;
  const lists = query.kind === 'only' || query.kind === 'without';
  if (lists && (query.names ?? []).length === 0) return { field: 'names', message: 'Expected the names of parameters.' };
  if (!lists && query.names !== undefined) return { field: 'names', message: `With ${query.kind} no names are needed.` };
  return undefined;
}

function* checks(zone: ZoneConfiguration): Generator<[string, string | ZoneProblem | undefined]> {
  for (const [at, host] of zone.hosts.entries()) {
    yield [`hosts.${at}`, hostFault(host)];
    yield [`hosts.${at}`, zone.hosts.indexOf(host) === at ? undefined : 'It is there already.'];
  }
  for (const [at, origin] of zone.origins.entries()) {
    yield [`origins.${at}`, originFault(origin)];
    yield [`origins.${at}.url`, zone.origins.findIndex(({ url }) => url === origin.url) === at ? undefined : 'It is there already.'];
  }
  if (zone.origins.every(({ backup }) => backup === true)) yield ['origins', 'Expected one at least that is no backup.'];
  if (zone.hostHeader !== undefined)
    yield ['hostHeader', exactName.test(zone.hostHeader.replace(/:\d{1,5}$/, '')) ? undefined : 'Expected origin, request or a host name.'];
  if (zone.healthCheck !== undefined) yield ['healthCheck.path', /^\/[\x21-\x7e]*$/.test(zone.healthCheck.path) ? undefined : 'Expected an absolute path.'];
  yield ['query', queryFault(zone.query)];
  for (const [at, type] of (zone.compression?.contentTypes ?? []).entries())
    yield [`compression.contentTypes.${at}`, mediaType.test(type) ? undefined : 'Expected a media type in lower case such as text/css or text/*.'];
  for (const [at, purger] of (zone.purgers ?? []).entries()) yield [`purgers.${at}`, networkFault(purger)];
  for (const [at, rule] of (zone.rules ?? []).entries()) yield [`rules.${at}`, first(ruleChecks(rule))];
}

/** What makes a configuration one that edges cannot serve by, beyond what its schema says; undefined when nothing does. */
export function zoneProblem(zone: ZoneConfiguration): ZoneProblem | undefined {
  return first(checks(zone));
}
