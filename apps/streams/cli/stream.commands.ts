import type { Page, StartedStream, StreamSummary } from '../client/api.types.ts';
import type { CommandContext } from './context.ts';
import { duration, table } from './table.ts';

export interface StartOptions {
  readonly grace?: number;
  readonly segment?: number;
  readonly dvr?: number;
  /** False: whole segments alone. */
  readonly lowLatency?: boolean;
  readonly unlisted?: boolean;
  readonly profile?: string;
  readonly sounds?: ReadonlyArray<{ readonly track: number; readonly language?: string; readonly label?: string }>;
  readonly ladder?: ReadonlyArray<{ readonly name: string; readonly height: number; readonly videoBitrate: number; readonly codec?: 'hevc' }>;
}

export async function startStream({ api, print }: CommandContext, name: string, options: StartOptions): Promise<void> {
  const stream = await api.call<StartedStream>('POST', '/api/v1/stream/start', {
    name,
    ...(options.grace === undefined ? {} : { graceSeconds: options.grace }),
    ...(options.segment === undefined ? {} : { segmentDurationSeconds: options.segment }),
    ...(options.dvr === undefined ? {} : { dvrWindowSeconds: options.dvr }),
    ...(options.lowLatency === false ? { lowLatency: false } : {}),
    ...(options.unlisted === true ? { unlisted: true } : {}),
    ...(options.profile === undefined ? {} : { profile: options.profile }),
    ...(options.ladder === undefined ? {} : { ladder: options.ladder }),
    ...(options.sounds === undefined ? {} : { audioTracks: options.sounds }),
  });
  print(stream, () => [
    `Stream ${stream.id} (${stream.name}) waits for a publisher.`,
    `  server      ${stream.ingest.primary}`,
    `  backup      ${stream.ingest.backup}`,
    ...(stream.ingest.securePrimary === null ? [] : [`  encrypted   ${stream.ingest.securePrimary}`]),
    `  stream key  ${stream.streamKey}   (shown this once)`,
    `  watch       ${stream.playback.hls}`,
  ]);
}

export interface StreamKeyOptions {
  readonly ttl?: number;
  readonly once?: boolean;
  readonly overlap?: number;
}

export async function issueStreamKey({ api, print }: CommandContext, id: string, options: StreamKeyOptions): Promise<void> {
  const answer = await api.call<{ readonly streamKey: string; readonly expiresAt: string | null; readonly singleUse: boolean }>('POST', '/api/v1/stream/key', {
    id,
    singleUse: options.once === true,
    ...(options.ttl === undefined ? {} : { expiresInSeconds: options.ttl }),
    ...(options.overlap === undefined ? {} : { previousForSeconds: options.overlap }),
  });
  const until = answer.expiresAt === null ? 'does not expire' : `works until ${answer.expiresAt}`;
  print(answer, () => [`Stream key  ${answer.streamKey}   (shown this once; ${until}${answer.singleUse ? '; for one publication' : ''})`]);
}

export async function switchStream({ api, print }: CommandContext, id: string, to: string, reason: string): Promise<void> {
  const answer = await api.call<{ readonly id: string; readonly preferred: string }>('POST', '/api/v1/stream/switch', { id, to, reason });
  print(answer, () => [`Stream ${answer.id} goes over to its ${answer.preferred} publisher, and prefers it from now on.`]);
}

export async function stopStream({ api, print }: CommandContext, id: string, reason?: string): Promise<void> {
  const answer = await api.call<{ readonly id: string; readonly status: string }>('POST', '/api/v1/stream/stop', { id, detail: reason });
  const { durationMs } = await api.call<StreamSummary>('GET', `/api/v1/streams/${encodeURIComponent(id)}`);
  const left = durationMs === null || durationMs === 0 ? 'nothing was ever published to it' : 'its playlist is a recording now';
  print(answer, () => [`Stream ${answer.id} has ended; ${left}.`]);
}

export async function listStreams(
  { api, print }: CommandContext,
  options: { readonly status?: string; readonly limit: number; readonly asOf?: string },
): Promise<void> {
  const { status, asOf } = options;
  const query = new URLSearchParams({ limit: String(options.limit), ...(status === undefined ? {} : { status }), ...(asOf === undefined ? {} : { asOf }) });
  const page = await api.call<Page<StreamSummary>>('GET', `/api/v1/streams?${query}`);
  print(page, () => {
    if (page.items.length === 0) return [asOf === undefined ? 'There are no streams yet: "streams stream start NAME" makes one.' : 'There were no streams.'];
    const rows = page.items.map((one) => [one.id, one.status, one.durationMs === null ? '' : duration(one.durationMs), one.createdAt ?? '', one.name]);
    return [...table(['ID', 'STATUS', 'LENGTH', 'CREATED', 'NAME'], rows), ...(page.nextCursor === null ? [] : ['… and more: raise --limit.'])];
  });
}

interface StreamDetail extends StreamSummary {
  readonly publishers: ReadonlyArray<{ readonly endpoint: string; readonly node: string; readonly active: boolean }>;
  readonly failover: { readonly preferred: string; readonly lastReason: string | null; readonly lastAt: string | null };
  readonly encoding: { readonly status: string; readonly encoder: string | null; readonly node: string } | null;
  readonly renditions: ReadonlyArray<{
    readonly name: string;
    readonly codecs: string;
    readonly bandwidth: number;
    readonly width: number | null;
    readonly height: number | null;
  }>;
  readonly latency: { readonly segmentMsMedian: number } | null;
}

export async function showStream({ api, print }: CommandContext, id: string, asOf?: string): Promise<void> {
  const query = asOf === undefined ? '' : `?${new URLSearchParams({ asOf })}`;
  const stream = await api.call<StreamDetail>('GET', `/api/v1/streams/${encodeURIComponent(id)}${query}`);
  print(stream, () => [
    `${stream.id}  ${stream.name}`,
    `  status      ${stream.status}${stream.statusReason === null || stream.statusReason === '' ? '' : ` (${stream.statusReason})`}`,
    ...(stream.durationMs === null ? [] : [`  length      ${duration(stream.durationMs)}`]),
    ...stream.publishers.map((one) => `  ${one.endpoint.padEnd(10)}  on ${one.node}${one.active ? ', in use' : ', in waiting'}`),
    ...(stream.failover.lastReason === null
      ? []
      : [`  failover    ${stream.failover.lastReason} at ${stream.failover.lastAt}; preferred: ${stream.failover.preferred}`]),
    ...(stream.encoding === null
      ? []
      : [`  encoding    ${stream.encoding.status}${stream.encoding.encoder === null ? '' : ` with ${stream.encoding.encoder}`} on ${stream.encoding.node}`]),
    ...(stream.latency === null ? [] : [`  latency     ${stream.latency.segmentMsMedian} ms from a segment's last sample to its announcement`]),
    `  watch       ${stream.playback.hls}`,
    ...stream.renditions.map(
      (one) =>
        `  ${one.name.padEnd(10)}  ${one.height === null ? 'audio' : `${one.width}×${one.height}`}  ${Math.round(one.bandwidth / 1000)} kbit/s  ${one.codecs}`,
    ),
  ]);
}
