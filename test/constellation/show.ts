import { until, type Platform } from './platform.ts';
import { ReconnectingPublisher } from './reconnecting-publisher.ts';

/** What the log and the playlist say of a show. */
export interface ShowVerdict {
  /** Nodes that it was published at, in order. */
  readonly nodes: readonly string[];
  /** True when its segments are numbered one by one and each begins where the one before ends, or with the next place on the grid. */
  readonly unbroken: boolean;
  /** EXT-X-DISCONTINUITY tags in its playlist. */
  readonly breaks: number;
}

/** A stream of one small rendition whose publisher knows two ingest nodes. */
export interface Show {
  readonly id: string;
  readonly publisher: ReconnectingPublisher;
  /** Resolves when so many more segments are in the playlist. */
  segments(count: number): Promise<void>;
  judge(): Promise<ShowVerdict>;
}

interface Events {
  readonly items: ReadonlyArray<{
    readonly data: {
      readonly node?: string;
      readonly rendition: string;
      readonly mediaSequence: number;
      readonly startUs: number;
      readonly durationUs: number;
    };
  }>;
}

const rung = { name: '240p', height: 240, videoBitrate: 400_000 };
/** A run that cannot continue the one before begins on the next multiple of a segment's length. */
const gridUs = 2_000_000;
/** Times of segments are rounded to microseconds. */
const roundingUs = 2;

/** Publishes at the node with that port first, and at the platform's own when it is gone. */
export async function openShow(platform: Platform, firstPort: number): Promise<Show> {
  const { id, streamKey } = await platform.api<{ id: string; streamKey: string }>('POST', '/api/v1/stream/start', { name: 'Two nodes', ladder: [rung] });
  const second = platform.rtmpUrl(streamKey);
  const first = second.replace(`:${platform.ports.rtmp}/`, `:${firstPort}/`);
  const publisher = new ReconnectingPublisher({ url: first, otherUrls: [second], width: 426, height: 240, videoBitrate: '500k' });
  const playlist = async (): Promise<string> => {
    const response = await fetch(`${platform.gatewayUrl}/live/${id}/${rung.name}.m3u8`);
    return response.ok ? response.text() : '';
  };
  const count = async (): Promise<number> => [...(await playlist()).matchAll(/^#EXTINF/gm)].length;
  const events = (type: string): Promise<Events> => platform.api('GET', `/api/v1/events?type=${type}&key=${id}&limit=200&order=oldest`);
  return {
    id,
    publisher,
    segments: async (more) => {
      const wanted = (await count()) + more;
      await until(
        async () => (await count()) >= wanted,
        60_000,
        () => `No ${wanted} segments of ${id}.\n${publisher.log}\n${platform.log.slice(-3000)}`,
      );
    },
    judge: async () => {
      const [started, produced] = await Promise.all([events('stream.started'), events('segment.produced')]);
      const segments = produced.items.map(({ data }) => data).filter(({ rendition }) => rendition === rung.name);
      const continues = segments.slice(1).map((one, n) => {
        const before = segments[n] as (typeof segments)[number];
        const holeUs = one.startUs - before.startUs - before.durationUs;
        return one.mediaSequence === before.mediaSequence + 1 && holeUs >= -roundingUs && holeUs <= gridUs;
      });
      const breaks = [...(await playlist()).matchAll(/^#EXT-X-DISCONTINUITY$/gm)].length;
      return { nodes: started.items.map(({ data }) => data.node ?? ''), unbroken: continues.every(Boolean), breaks };
    },
  };
}
