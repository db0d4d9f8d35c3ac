import { unreachable } from '#kernel';
import type { DnsQuestion, DnsRecord, DnsReply } from './dns-message.codec.ts';

/** What is said of the zone besides edges. */
export interface ZoneFacts {
  /** Lower case, without a dot at the end. */
  readonly zone: string;
  readonly nameServers: readonly string[];
  readonly nameServerAddresses: readonly string[];
  readonly ttlSeconds: number;
  /** Grows with each change of what there is to answer (RFC 1982). */
  readonly serial: number;
}

/** An edge for a name; undefined where there is nobody to name. */
export interface SteeredAddresses {
  readonly ipv4: readonly string[];
  readonly ipv6: readonly string[];
  /** Of the client's network, how much of it the answer holds for. */
  readonly scopePrefix: number;
}

export interface AnswerDeps {
  readonly facts: ZoneFacts;
  /** @param key the label before the zone; empty for the zone itself */
  readonly edgeFor: (key: string) => SteeredAddresses | undefined;
}

const rcodes = { none: 0, serverFailure: 2, noSuchName: 3, notImplemented: 4, refused: 5, badVersion: 16 } as const;

const familyOf = (address: string): 'A' | 'AAAA' => (address.includes(':') ? 'AAAA' : 'A');

function soa({ nameServers, serial, ttlSeconds, zone }: ZoneFacts): DnsRecord {
  const data = { mname: nameServers[0] as string, rname: `hostmaster.${zone}`, serial, refresh: 3600, retry: 600, expire: 86_400, minimum: ttlSeconds };
  return { type: 'SOA', name: zone, ttl: ttlSeconds, data };
}

function ns({ nameServers, zone }: ZoneFacts): readonly DnsRecord[] {
  return nameServers.map((name): DnsRecord => ({ type: 'NS', name: zone, ttl: 86_400, data: name }));
}

function addressRecords(name: string, addresses: readonly string[], ttl: number): readonly DnsRecord[] {
  return addresses.map((data): DnsRecord => ({ type: familyOf(data), name, ttl, data }));
}

function glue({ nameServerAddresses, nameServers, zone }: ZoneFacts): readonly DnsRecord[] {
  return nameServers.filter((name) => name.endsWith(`.${zone}`)).flatMap((name) => addressRecords(name, nameServerAddresses, 86_400));
}

const empty = { answers: [], authorities: [], additionals: [], scopePrefix: 0 };

/** Names below: the zone, its name servers, and one label for each key. Whatever is deeper is not there. */
type Place = { readonly is: 'edge'; readonly key: string } | { readonly is: 'name-server' } | { readonly is: 'nothing' } | { readonly is: 'elsewhere' };

function placeOf(name: string, { nameServers, zone }: ZoneFacts): Place {
  const lower = name.toLowerCase().replace(/\.$/, '');
  if (lower === zone) return { is: 'edge', key: '' };
  if (!lower.endsWith(`.${zone}`)) return { is: 'elsewhere' };
  if (nameServers.includes(lower)) return { is: 'name-server' };
  const label = lower.slice(0, -zone.length - 1);
  return label.includes('.') ? { is: 'nothing' } : { is: 'edge', key: label };
}

/** Without data of that type: RFC 2308 section 2.2. */
function noData(facts: ZoneFacts, scopePrefix = 0): DnsReply {
  return { ...empty, rcode: rcodes.none, authoritative: true, authorities: [soa(facts)], scopePrefix };
}

function edgeReply(question: DnsQuestion, key: string, { edgeFor, facts }: AnswerDeps): DnsReply {
  const { name, type } = question;
  if (type !== 'A' && type !== 'AAAA') return noData(facts);
  const edge = edgeFor(key);
  // Nobody to send a client to is a failure that passes, not a name that is not there.
  if (edge === undefined) return { ...empty, rcode: rcodes.serverFailure, authoritative: true };
  const addresses = type === 'A' ? edge.ipv4 : edge.ipv6;
  if (addresses.length === 0) return noData(facts, edge.scopePrefix);
  return { ...empty, rcode: rcodes.none, authoritative: true, answers: addressRecords(name, addresses, facts.ttlSeconds), scopePrefix: edge.scopePrefix };
}

/** The answer of the authority for one zone. Pure. */
export function answerTo(question: DnsQuestion, deps: AnswerDeps): DnsReply {
  const { facts } = deps;
  const { class: asked, edns, name, opcode, type } = question;
  const refused = { ...empty, rcode: rcodes.refused, authoritative: false };
  if (opcode !== 0) return { ...refused, rcode: rcodes.notImplemented };
  // RFC 6891 section 6.1.3.
  if (edns !== undefined && edns.version > 0) return { ...refused, rcode: rcodes.badVersion };
  if (asked !== 'IN') return refused;
  // Whole zones are handed to nobody.
  if (type === 'AXFR' || type === 'IXFR') return refused;
  const place = placeOf(name, facts);
  switch (place.is) {
    case 'elsewhere':
      return refused;
    case 'nothing':
      return { ...noData(facts), rcode: rcodes.noSuchName };
    case 'name-server': {
      const own = facts.nameServerAddresses.filter((address) => familyOf(address) === type);
      return own.length === 0 ? noData(facts) : { ...empty, rcode: rcodes.none, authoritative: true, answers: addressRecords(name, own, 86_400) };
    }
    case 'edge': {
      const said = { ...empty, rcode: rcodes.none, authoritative: true };
      // RFC 8482 section 4.2: of all there is, next to nothing.
      if (type === 'ANY') return { ...said, answers: [{ type: 'HINFO', name, ttl: facts.ttlSeconds, data: { cpu: 'RFC8482', os: '' } }] };
      if (place.key !== '') return edgeReply(question, place.key, deps);
      if (type === 'SOA') return { ...said, answers: [{ ...soa(facts), name } as DnsRecord] };
      if (type === 'NS') return { ...said, answers: ns(facts).map((record) => ({ ...record, name }) as DnsRecord), additionals: glue(facts) };
      return edgeReply(question, place.key, deps);
    }
    default:
      return unreachable(place);
  }
}
