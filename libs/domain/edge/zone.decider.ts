import { zoneConfigured, zoneRemoved, type DraftOf, type ZoneConfiguration } from '#events';
import { accept, refuse, type Decider, type Decision } from '#kernel';
import { zoneProblem } from './zone.policy.ts';

interface Expecting {
  /** The version that the caller changes; 0 for one that must not be there; undefined for whatever there is. */
  readonly expected?: number | undefined;
  readonly reason: string;
}

export type ZoneCommand =
  | (Expecting & {
      readonly type: 'ConfigureZone';
      readonly zoneId: string;
      readonly name: string;
      readonly configuration: ZoneConfiguration;
      readonly shieldUrl: string | null;
      readonly rolledBackTo: number | null;
    })
  | (Expecting & { readonly type: 'RemoveZone' });

export type ZoneDraft = DraftOf<typeof zoneConfigured | typeof zoneRemoved>;

export interface KnownZone {
  /** Tells it from the other aggregates of this context. */
  readonly kind: 'zone';
  readonly status: 'configured' | 'removed';
  readonly zoneId: string;
  readonly name: string;
  readonly version: number;
  readonly epoch: number;
  readonly configuration: ZoneConfiguration;
  readonly shieldUrl: string | null;
}

export type ZoneState = { readonly status: 'absent' } | KnownZone;

/**
 * What decides which objects there are and what is in them: where it differs, what is stored is not what would be fetched
 * now. Where the origins are, how they are asked and when requests are redirected changes nothing about an object.
 */
function storedBy({ compression, hostHeader, query, rules = [], sortQuery }: ZoneConfiguration): string {
  const shaping = rules.map(({ match, ...rule }) => {
    const { cookies, compress, query: own, requestHeaders, responseHeaders, ttl } = rule;
    return [match, cookies, compress, own, requestHeaders, responseHeaders, ttl];
  });
  return JSON.stringify([compression, hostHeader, query, sortQuery, shaping.filter(([, ...settings]) => settings.some((each) => each !== undefined))]);
}

function configure(command: ZoneCommand & { readonly type: 'ConfigureZone' }, state: ZoneState): Decision<ZoneDraft> {
  const { configuration, name, reason, rolledBackTo, shieldUrl, zoneId } = command;
  const problem = zoneProblem(configuration);
  if (problem !== undefined) return refuse('invalid-zone', `${problem.field}: ${problem.message}`);
  const known = state.status === 'absent' ? undefined : state;
  const serves = known?.status === 'configured';
  const same = serves && JSON.stringify([known.configuration, known.shieldUrl]) === JSON.stringify([configuration, shieldUrl]);
  if (same) return accept<ZoneDraft>();
  const zoneVersion = (known?.version ?? 0) + 1;
  const keeps = serves && storedBy(known.configuration) === storedBy(configuration);
  const epoch = keeps ? known.epoch : zoneVersion;
  return accept<ZoneDraft>(zoneConfigured.draft({ zoneId, name, zoneVersion, epoch, configuration, shieldUrl, reason, rolledBackTo }));
}

function decide(command: ZoneCommand, state: ZoneState): Decision<ZoneDraft> {
  const there = state.status === 'configured';
  const version = there ? state.version : 0;
  if (command.expected !== undefined && command.expected !== version)
    return refuse('version-mismatch', there ? `The zone has version ${version} by now.` : 'There is no such zone.');
  if (command.type === 'ConfigureZone') return configure(command, state);
  if (!there) return refuse('unknown-zone', 'There is no such zone.');
  return accept<ZoneDraft>(zoneRemoved.draft({ zoneId: state.zoneId, name: state.name, zoneVersion: version + 1, reason: command.reason }));
}

function evolve(state: ZoneState, event: ZoneDraft): ZoneState {
  if (event.type === zoneRemoved.type) return { ...(state as KnownZone), status: 'removed', version: event.data.zoneVersion };
  const { configuration, epoch, name, shieldUrl, zoneId, zoneVersion } = event.data;
  return { kind: 'zone', status: 'configured', zoneId, name, version: zoneVersion, epoch, configuration, shieldUrl };
}

export const zoneDecider: Decider<ZoneState, ZoneCommand, ZoneDraft> = { initialState: { status: 'absent' }, decide, evolve };
