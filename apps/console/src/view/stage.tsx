import { useRef, useState } from 'react';
import type { Api } from '../model/api.ts';
import { queryOf } from '../model/as-of.ts';
import { formatBitrate } from '../model/format.ts';
import { hasPicture } from '../model/stream-state.ts';
import { formatMoment } from '../model/time.ts';
import type { StreamSummary } from '../model/types.ts';
import { type PlayerState, usePlayer } from './player.tsx';
import { EventsLink } from './events-link.tsx';
import { PublishersBar } from './publishers-bar.tsx';
import { RecordingBar } from './recording-bar.tsx';
import { StatusPill } from './status-pill.tsx';

interface StageProps {
  readonly api: Api;
  readonly stream: StreamSummary | undefined;
  readonly loading: boolean;
  /** The moment that is looked at; undefined for now. */
  readonly asOf?: string | undefined;
}

/** How much is seen of what was on air at a moment, up to that moment, before somebody winds back. */
const lastSeconds = 30;

function playlistOf(stream: StreamSummary, asOf: string | undefined): string | undefined {
  const path = `/live/${stream.id}/master.m3u8`;
  if (asOf === undefined) return stream.status === 'live' || stream.status === 'interrupted' || hasPicture(stream) ? path : undefined;
  if (!hasPicture(stream)) return undefined;
  return `${path}${queryOf(asOf)}${stream.status === 'stopped' ? '' : `&start=-${lastSeconds}`}`;
}

export function Stage({ api, stream, loading, asOf }: StageProps) {
  const video = useRef<HTMLVideoElement>(null);
  const [muted, setMuted] = useState(true);
  const playlist = stream === undefined ? undefined : playlistOf(stream, asOf);
  const playable = playlist !== undefined;
  const player = usePlayer(video, playlist);
  return (
    <section className="panel stage" aria-label="Player">
      <header>
        <h2>{stream?.name ?? (asOf === undefined ? 'No stream yet' : 'No stream')}</h2>
        {stream === undefined ? null : <StatusPill stream={stream} />}
        {stream === undefined ? null : <EventsLink subject={stream.id} />}
        {stream === undefined || asOf !== undefined ? null : <DetailsLink stream={stream} />}
        <span className="gap" />
        <QualityMenu player={player} />
      </header>
      <div className="screen">
        <video
          ref={video}
          autoPlay
          muted={muted}
          playsInline
          controls={playable}
          onVolumeChange={(event) => setMuted(event.currentTarget.muted)}
          data-testid="video"
        />
        {muted && playable && player.level >= 0 ? (
          <button type="button" className="btn small unmute" onClick={() => setMuted(false)}>
            Unmute
          </button>
        ) : null}
        <Notice stream={stream} loading={loading} isPast={asOf !== undefined} problem={playable ? player.problem : undefined} />
      </div>
      <Figures player={player} live={stream?.status === 'live' && asOf === undefined} />
      {stream?.status === 'live' && asOf === undefined ? <PublishersBar key={stream.id} api={api} streamId={stream.id} /> : null}
      {stream?.status === 'stopped' && asOf === undefined && hasPicture(stream) ? <RecordingBar key={stream.id} api={api} streamId={stream.id} /> : null}
    </section>
  );
}

/** From the picture to everything that is known of its stream; on that page itself there is nowhere to go. */
function DetailsLink({ stream }: { readonly stream: StreamSummary }) {
  const route = `#/streams/${stream.id}`;
  if (location.hash.startsWith(route)) return null;
  return (
    <a className="events-link" href={route} aria-label={`details of ${stream.name}`}>
      details
    </a>
  );
}

function QualityMenu({ player }: { readonly player: PlayerState }) {
  if (player.levels.length < 2) return null;
  const current = player.levels[player.level];
  return (
    <label>
      <span className="label">Quality </span>
      <select className="btn small" data-testid="quality" value={player.pinned} onChange={(event) => player.pin(Number(event.target.value))}>
        <option value={-1}>Auto{player.pinned === -1 && current !== undefined ? ` (${current.height}p)` : ''}</option>
        {player.levels.map((level, index) => (
          <option key={level.url[0]} value={index}>
            {level.height}p
          </option>
        ))}
      </select>
    </label>
  );
}

interface NoticeProps {
  readonly stream: StreamSummary | undefined;
  readonly loading: boolean;
  readonly isPast: boolean;
  readonly problem: string | undefined;
}

function Notice({ stream, loading, isPast, problem }: NoticeProps) {
  if (problem !== undefined) return <Message title={problem} />;
  if (loading) return <Message title="Loading" />;
  if (isPast) return pastNotice(stream);
  if (stream === undefined) return <Message title="No stream yet" detail="Create one below, then publish to it from OBS or ffmpeg." />;
  if (stream.status === 'created') return <Message title="Waiting for a publisher" detail="Point OBS or ffmpeg at the stream's RTMP URL with its key." />;
  if (stream.status === 'stopped' && !hasPicture(stream))
    return <Message title="Never live" detail="The stream was stopped before anything was published to it." />;
  return null;
}

function pastNotice(stream: StreamSummary | undefined) {
  if (stream === undefined) return <Message title="There was no stream" />;
  return hasPicture(stream) ? null : <Message title="There was no picture by then" />;
}

function Message({ title, detail }: { readonly title: string; readonly detail?: string }) {
  return (
    <div className="notice" role="status">
      <strong>{title}</strong>
      {detail === undefined ? null : <span>{detail}</span>}
    </div>
  );
}

function Figures({ player, live }: { readonly player: PlayerState; readonly live: boolean }) {
  const level = player.levels[player.level];
  return (
    <dl className="facts">
      {live ? (
        <div>
          <dt>behind live</dt>
          <dd data-testid="behind">{player.behindMs === undefined ? '–' : `${(player.behindMs / 1000).toFixed(1)} s`}</dd>
        </div>
      ) : (
        <div>
          <dt>picture of</dt>
          <dd data-testid="shown-at">{player.shownAt === undefined ? '–' : formatMoment(player.shownAt)}</dd>
        </div>
      )}
      <div>
        <dt>picture</dt>
        <dd>{level === undefined ? '–' : `${level.width}×${level.height}`}</dd>
      </div>
      <div>
        <dt>bitrate</dt>
        <dd>{level === undefined ? '–' : formatBitrate(level.bitrate)}</dd>
      </div>
      <div>
        <dt>buffer</dt>
        <dd>{(player.bufferedMs / 1000).toFixed(1)} s</dd>
      </div>
      <div>
        <dt>rungs</dt>
        <dd>{player.levels.length === 0 ? '–' : player.levels.map((rung) => `${rung.height}p`).join(' ')}</dd>
      </div>
    </dl>
  );
}
