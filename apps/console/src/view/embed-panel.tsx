import { embedCodeOf } from '../embed/options.ts';
import type { StreamDetail } from '../model/types.ts';
import { Copyable } from './copyable.tsx';

/** How the stream is shown elsewhere. */
export function EmbedPanel({ stream }: { readonly stream: StreamDetail }) {
  // The edge is where viewers come; the page itself may be served by the gateway.
  const origin = new URL(stream.playback.hls).origin;
  return (
    <section className="panel embed" aria-label="Embed" data-testid="embed">
      <header>
        <h2>Embed</h2>
        <span className="gap" />
        <a className="events-link" href={`/embed/${stream.id}`} target="_blank" rel="noreferrer">
          open the player
        </a>
      </header>
      <div className="copyables">
        <Copyable label="Embed code" text={embedCodeOf(origin, stream.id, stream.name)} />
        <Copyable label="HLS" text={stream.playback.hls} />
        <Copyable label="DASH" text={stream.playback.dash} />
      </div>
    </section>
  );
}
