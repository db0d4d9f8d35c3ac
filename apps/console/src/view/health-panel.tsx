import { useCallback } from 'react';
import type { Api } from '../model/api.ts';
import { formatBitrate } from '../model/format.ts';
import type { SearchPage } from '../model/review.ts';
import { figuresOf, meterShare, sparkline, type Measured, type StreamHealth } from '../model/stream-health.ts';
import { formatMoment } from '../model/time.ts';
import type { StreamDetail } from '../model/types.ts';
import { usePolling } from '../polling.tsx';

interface HealthPanelProps {
  readonly api: Api;
  readonly stream: StreamDetail;
  readonly health: StreamHealth | undefined;
}

/** What the publisher sends, and how the platform keeps up with it. */
export function HealthPanel({ api, stream, health }: HealthPanelProps) {
  const measured = health?.measured ?? undefined;
  return (
    <section className="panel health" aria-label="What it sends" data-testid="health">
      <header>
        <h2>What it sends</h2>
        {measured === undefined ? null : (
          <span className={measured.isNow ? 'pill good' : 'pill'} title={`by ${measured.node}`}>
            {measured.isNow ? 'now' : formatMoment(measured.at)}
          </span>
        )}
        <span className="gap" />
        <Viewers health={health} />
      </header>
      {measured === undefined ? (
        <p className="empty">{stream.status === 'live' ? 'The first figures come ten seconds after the publisher.' : 'Nothing was measured yet.'}</p>
      ) : (
        <>
          <Bitrate api={api} streamId={stream.id} />
          <dl className="gauges">
            {figuresOf(measured, stream.settings.segmentDurationSeconds).map(({ id, name, value, note, tone }) => (
              <div key={id} className={tone} data-testid={`gauge-${id}`}>
                <dt>{name}</dt>
                <dd>{value}</dd>
                <small>{note}</small>
              </div>
            ))}
            <Sound measured={measured} />
          </dl>
        </>
      )}
      <Source stream={stream} />
    </section>
  );
}

function Viewers({ health }: { readonly health: StreamHealth | undefined }) {
  if (health === undefined) return null;
  const edges = Object.entries(health.viewersByEdge).filter(([, viewers]) => viewers > 0);
  return (
    <span className="label" title={edges.map(([edge, viewers]) => `${edge}: ${viewers}`).join('\n')} data-testid="viewers">
      <strong>{health.viewers}</strong> {health.viewers === 1 ? 'viewer' : 'viewers'}
    </span>
  );
}

const samplesShown = 60;

/** The bitrate of the last ten minutes, from the measurements on the log. */
function Bitrate({ api, streamId }: { readonly api: Api; readonly streamId: string }) {
  const { value } = usePolling(
    useCallback(
      (signal) => api.get<SearchPage>(`/api/v1/events/search?type=stream.measured&subject=${encodeURIComponent(streamId)}&limit=${samplesShown}`, signal),
      [api, streamId],
    ),
    10_000,
  );
  const samples = (value?.items ?? []).map(({ data }) => data as unknown as Measured).reverse();
  if (samples.length < 2) return null;
  const bits = samples.map(({ input }) => input.videoBitrate + input.audioBitrate);
  const points = sparkline(bits);
  return (
    <figure className="spark" aria-label="Input bitrate over time">
      <svg viewBox="0 0 100 100" preserveAspectRatio="none" aria-hidden="true">
        <polygon points={`0,100 ${points} 100,100`} />
        <polyline points={points} />
      </svg>
      <figcaption>
        <span>input, last {Math.round((samples.length * 10) / 60) || 1} min</span>
        <span>peak {formatBitrate(Math.max(...bits))}</span>
      </figcaption>
    </figure>
  );
}

function Sound({ measured: { sound } }: { readonly measured: Measured }) {
  const level = sound === null ? 0 : meterShare(sound.levelDb);
  return (
    <div className={sound !== null && sound.levelDb < -50 ? 'broad warn' : 'broad good'} data-testid="gauge-sound">
      <dt>Sound level</dt>
      <dd>{sound === null ? '–' : `${sound.levelDb.toFixed(0)} dB`}</dd>
      <small>{sound === null ? 'nothing was listened to' : `peak ${sound.peakDb.toFixed(0)} dB`}</small>
      <span className="meter" role="meter" aria-label="Sound level" aria-valuemin={-60} aria-valuemax={0} aria-valuenow={sound?.levelDb ?? -60}>
        <i style={{ width: `${level * 100}%` }} />
        {sound === null ? null : <b style={{ left: `${meterShare(sound.peakDb) * 100}%` }} />}
      </span>
    </div>
  );
}

function Source({ stream }: { readonly stream: StreamDetail }) {
  const { encoding, latency, settings } = stream;
  const source = (encoding?.source ?? undefined) as { videoCodec: string; audioCodec: string; width: number; height: number } | undefined;
  const parts = [
    ['source', source === undefined ? '–' : [source.videoCodec, source.audioCodec].filter((codec) => codec !== '').join(' + ')],
    ['picture', source === undefined || source.width === 0 ? '–' : `${source.width}×${source.height}`],
    ['encoder', encoding === null ? '–' : `${encoding.encoder ?? ''} ${encoding.status === 'running' ? 'runs' : (encoding.reason ?? 'ended')}`],
    ['node', encoding?.node ?? '–'],
    ['to storage', latency === null ? '–' : `${(latency.segmentMsMedian / 1000).toFixed(1)} s`],
    ['go back', `${Math.round(settings.dvrWindowSeconds / 60)} min`],
    ['latency', settings.lowLatency ? 'low: parts' : 'whole segments'],
  ] as const;
  return (
    <dl className="facts">
      {parts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
