import { contentChanged, contentWithdrawn, recordingFinished, streamStopped, zoneConfigured, zoneRemoved, type DomainEvent, type PurgeSelector } from '#events';
import type { Intent, Occurrence, Reactor } from '#kernel';

export const purgeRequest = 'purge-request';

/** What is to be purged because of an event. */
export interface PurgeIntent {
  readonly selectors: readonly PurgeSelector[];
  readonly soft: boolean;
  readonly reason: string;
}

/** What the gateway tags a stream's media and playlists with, and its playlists alone. */
export function streamTag(streamId: string): string {
  return `stream-${streamId}`;
}

export function playlistTag(streamId: string): string {
  return `playlist-${streamId}`;
}

/** Playlists are another text now: the next viewer sees to it that it is asked for. Segments never change. */
function changed(streamId: string, reason: string): PurgeIntent {
  return { selectors: [{ kind: 'tag', value: playlistTag(streamId) }], soft: true, reason };
}

/** Nobody asks for what was stored under other rules: it only takes up room. */
function outdated(zoneId: string, reason: string): PurgeIntent {
  return { selectors: [{ kind: 'zone', value: zoneId }], soft: false, reason };
}

/** What an origin is to tag the responses with that are of a content, whatever their URLs. */
export function contentTag(contentId: string): string {
  return `content-${contentId}`;
}

/** Whoever may publish for a tenant says what of its content is another: in the tenant's own zones alone. */
function ofContent({ data, tenant }: DomainEvent & { readonly data: { readonly contentId: string } }, reason: string): PurgeIntent {
  return { selectors: [{ kind: 'tag', value: contentTag(data.contentId), tenant }], soft: false, reason };
}

/** Which purge, and about which stream, zone or content. */
type Purge = readonly [lane: string, purge: PurgeIntent];

function purgeAfter(event: DomainEvent): Purge | undefined {
  switch (event.type) {
    case streamStopped.type:
      return [event.data.streamId, changed(event.data.streamId, 'the stream ended')];
    case recordingFinished.type:
      return [event.data.streamId, changed(event.data.streamId, 'the recording is finished')];
    case contentChanged.type:
      return [event.data.contentId, ofContent(event, 'the content changed')];
    case contentWithdrawn.type:
      return [event.data.contentId, ofContent(event, 'the content was withdrawn')];
    case zoneConfigured.type: {
      const { epoch, zoneId, zoneVersion } = event.data;
      return zoneVersion > 1 && epoch === zoneVersion ? [zoneId, outdated(zoneId, 'the zone stores by other rules')] : undefined;
    }
    case zoneRemoved.type:
      return [event.data.zoneId, outdated(event.data.zoneId, 'the zone was removed')];
    default:
      return undefined;
  }
}

function react({ event }: Occurrence<DomainEvent>): readonly Intent[] {
  const found = purgeAfter(event);
  if (found === undefined) return [];
  const [lane, purge] = found;
  return [{ kind: purgeRequest, lane, payload: { ...purge } }];
}

/** Has the edges forget what the platform's own events made old. */
export const purgesReactor: Reactor<DomainEvent> = {
  name: 'purges',
  version: 1,
  contexts: [streamStopped.context, zoneConfigured.context, contentChanged.context],
  handles: [contentChanged.type, contentWithdrawn.type, streamStopped.type, recordingFinished.type, zoneConfigured.type, zoneRemoved.type],
  react,
};
