import { AddressList } from '#core/network';
import { keyOfUrl, mediaTtlSettings, type TtlSettings } from '#core/http-cache';
import type { ZoneConfiguration, ZoneRule } from '#events';
import type { ZonePlan } from '../cache/edge-cache.ts';
import { replyHead, type EdgeReply, type EdgeRequest } from '../server/exchange.ts';
import { Negotiation } from './negotiation.ts';
import { preferred } from './zone-compression.ts';
import { normaliserOf, pathPart, type ZoneRules } from './zone-rules.ts';

/** A zone as the log says it. */
export interface ZoneVersion {
  readonly id: string;
  readonly tenant: string;
  readonly version: number;
  readonly epoch: number;
  readonly configuration: ZoneConfiguration;
  readonly shieldUrl: string | null;
}

const second = 1000;
const day = 86_400 * second;

/** Where the origin says nothing: a site's pages are not guessed at, what is not there is so for a minute. */
const siteTtlSettings: TtlSettings = {
  rules: mediaTtlSettings.rules.filter(({ name }) => name === 'event stream'),
  otherwise: { name: 'other', mediaTypes: [], extensions: [], defaultMs: 0, heuristicMostMs: day, mostMs: 365 * day, negativeMs: 60 * second },
  errorMs: second,
  staleIfErrorMs: 30 * second,
};

const everything = { query: { kind: 'all' }, sortQuery: false } as const;

function cookieNames(field: string | undefined): readonly string[] {
  return (field ?? '').split(';').map((pair) => (pair.split('=', 1)[0] as string).trim());
}

function bypasses(bypass: NonNullable<ZoneRule['bypass']>, request: EdgeRequest): boolean {
  if (bypass.always === true) return true;
  if (bypass.cookies === undefined) return false;
  const sent = cookieNames(request.field('cookie'));
  return bypass.cookies.some((name) => sent.includes(name));
}

/** RFC 9110 section 10.2.2: Location. What the request brings in is of a normal target, so it cannot break out of the field. */
function redirection({ status = 301, to }: NonNullable<ZoneRule['redirect']>, target: string): EdgeReply {
  const path = pathPart(target);
  const location = to.replaceAll('$path', () => path).replaceAll('$query', () => target.slice(path.length));
  // A path that begins with two slashes would name a host.
  const safe = to.startsWith('/') || to.startsWith('$') ? location.replace(/^\/+/, '/') : location;
  const fields = [
    ['location', safe],
    ['cache-control', 'max-age=60'],
  ] as const;
  return { head: replyHead(status, fields), body: null };
}

/** Where the edge compresses, a request is for the one coding that it gets; where a rule leaves that to the origin, for what it says. */
function negotiationOf({ compression }: ZoneConfiguration, rules: ZoneRules): Pick<ZonePlan, 'asked' | 'codings'> {
  if (compression === undefined) return {};
  const negotiation = new Negotiation(compression.codings ?? preferred);
  if (!rules.has('compress')) return { asked: (request) => negotiation.asked(request), codings: () => negotiation.choices };
  const leavesIt = (target: string): boolean => rules.first('compress', pathPart(target)) === false;
  return {
    asked: (request) => (leavesIt(request.target) ? request : negotiation.asked(request)),
    codings: (target) => (leavesIt(target) ? undefined : negotiation.choices),
  };
}

/** Nobody by a list that cannot be read. */
export function purgersOf(purgers: readonly string[] | undefined): ((address: string) => boolean) | undefined {
  if (purgers === undefined) return undefined;
  const list = AddressList.parse(purgers);
  return (address) => typeof list !== 'string' && list.has(address);
}

/** What serves a zone, made of its configuration: everything that can be settled before the first request is. */
export function zonePlan(zone: ZoneVersion, rules: ZoneRules, { origin, local, close }: Pick<ZonePlan, 'origin' | 'local' | 'close'>): ZonePlan {
  const { configuration, epoch, id, tenant, version } = zone;
  const normalise = normaliserOf(configuration, rules);
  const keyOf = (url: string): string | undefined => {
    const whole = keyOfUrl(url, everything);
    return whole === undefined ? undefined : normalise(whole);
  };
  const redirect = (request: EdgeRequest): EdgeReply | undefined => {
    const target = keyOfUrl(request.target, everything);
    const rule = target === undefined ? undefined : rules.first('redirect', pathPart(target));
    return rule === undefined || target === undefined ? undefined : redirection(rule, target);
  };
  const bypassing = (path: string, request: EdgeRequest): boolean => {
    const own = pathPart(path);
    const bypass = rules.first('bypass', own);
    return (bypass !== undefined && bypasses(bypass, request)) || rules.isAmbiguous(own);
  };
  // What is always passed by is never stored; what others may have is, so that a cookie must be looked for before.
  const byCookie = configuration.rules?.some(({ bypass }) => bypass?.cookies !== undefined) === true;
  const avoidsHits = (request: EdgeRequest): boolean => {
    const path = request.field('cookie') === undefined ? undefined : keyOfUrl(request.target, everything);
    return path !== undefined && bypassing(path, request);
  };
  return {
    ...{ id, version, epoch, tenant, origin, close, normalise },
    hostInKey: configuration.hostHeader === 'request',
    keyOfUrl: keyOf,
    bypasses: bypassing,
    ...(byCookie ? { avoidsHits } : {}),
    ...negotiationOf(configuration, rules),
    ...(rules.has('redirect') ? { redirect } : {}),
    ttl: siteTtlSettings,
    slices: configuration.slices,
    accessSample: configuration.accessLog?.sampleRate,
    isPurger: purgersOf(configuration.purgers),
    local,
  };
}
