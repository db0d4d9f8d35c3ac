import { useRef, useState } from 'react';
import { formatBitrate } from '../model/format.ts';
import { hasPicture } from '../model/stream-state.ts';
import type { StreamSummary } from '../model/types.ts';
import { type PlayerState, usePlayer } from './player.tsx';
import { EventsLink } from './events-link.tsx';
import { StatusPill } from './status-pill.tsx';

interface StageProps {
  readonly stream: StreamSummary | undefined;
  readonly loading: boolean;
}

export function Stage({ stream, loading }: StageProps) {
  const video = useRef<HTMLVideoElement>(null);
  const [muted, setMuted] = useState(true);
  const playable = stream !== undefined && (stream.status === 'live' || stream.status === 'interrupted' || hasPicture(stream));
  const player = usePlayer(video, playable ? `/live/${stream.id}/master.m3u8` : undefined);
  return (
    <section className="panel stage" aria-label="Player">
      <header>
        <h2>{stream?.name ?? 'No stream yet'}</h2>
        {stream === undefined ? null : <StatusPill stream={stream} />}
        {stream === undefined ? null : <EventsLink subject={stream.id} />}
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
        <Notice stream={stream} loading={loading} problem={playable ? player.problem : undefined} />
      </div>
      <Figures player={player} live={stream?.status === 'live'} />
    </section>
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

function Notice({ stream, loading, problem }: { readonly stream: StreamSummary | undefined; readonly loading: boolean; readonly problem: string | undefined }) {
  if (problem !== undefined) return <Message title={problem} />;
  if (loading) return <Message title="Loading" />;
  if (stream === undefined) return <Message title="No stream yet" detail="Create one below, then publish to it from OBS or ffmpeg." />;
  if (stream.status === 'created') return <Message title="Waiting for a publisher" detail="Point OBS or ffmpeg at the stream's RTMP URL with its key." />;
  if (stream.status === 'stopped' && !hasPicture(stream))
    return <Message title="Never live" detail="The stream was stopped before anything was published to it." />;
  return null;
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
      <div>
        <dt>behind live</dt>
        <dd data-testid="behind">{live && player.behindMs !== undefined ? `${(player.behindMs / 1000).toFixed(1)} s` : '–'}</dd>
      </div>
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
