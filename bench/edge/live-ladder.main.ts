import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/**
 * An origin of its own process, so far away as its first argument says (ms there and back): a live HLS ladder of four
 * renditions with segments of two seconds, as an encoder would publish them. Prints its port, and on SIGUSR2 how often it was asked.
 */
const distanceMs = Number(process.argv[2] ?? 40);
const segmentMs = 2000;
const window = 6;
export const rungs = ['240p', '480p', '720p', '1080p'] as const;
const bodies = new Map(rungs.map((rung, at) => [rung as string, Buffer.alloc(8 * 1024 * (at + 1), 0x61)]));
const startedMs = Date.now() - window * segmentMs;
const asked = { playlists: 0, segments: 0, missing: 0 };

const newest = (): number => Math.floor((Date.now() - startedMs) / segmentMs) - 1;

function playlist(rung: string): string {
  const first = newest() - window + 1;
  const entries = Array.from({ length: window }, (_, at) => `#EXTINF:2.000,\n${rung}/${first + at}.m4s\n`).join('');
  return `#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:${first}\n#EXT-X-MAP:URI="${rung}/init.mp4"\n${entries}`;
}

/** Segments are counted by the clock: whoever has read it once needs it no more. */
function mpd(): string {
  const start = new Date(startedMs).toISOString();
  const representations = rungs.map((rung, at) => `<Representation id="${rung}" bandwidth="${(at + 1) * 1_000_000}"/>`).join('');
  const template = '<SegmentTemplate media="$RepresentationID$/$Number$.m4s" initialization="$RepresentationID$/init.mp4" startNumber="0" duration="2"/>';
  return `<MPD type="dynamic" availabilityStartTime="${start}"><Period start="PT0S"><AdaptationSet>${template}${representations}</AdaptationSet></Period></MPD>`;
}

const master = `#EXTM3U\n${rungs.map((rung, at) => `#EXT-X-STREAM-INF:BANDWIDTH=${(at + 1) * 1_000_000}\n${rung}.m3u8\n`).join('')}`;

const server = createServer((request, response) => {
  const path = request.url ?? '';
  const [, rung = '', name = ''] = /^\/live\/show\/(\w+)\/(\w+)\.\w+$/.exec(path) ?? [];
  const list = /^\/live\/show\/(\w+)\.m3u8$/.exec(path)?.[1];
  const there = name === 'init' || Number(name) <= newest();
  const say = (status: number, type: string, maxAge: number, body: string | Buffer, wayMs = distanceMs): void => {
    setTimeout(() => {
      response.writeHead(status, { 'content-type': type, 'cache-control': `public, max-age=${maxAge}`, 'content-length': Buffer.byteLength(body) });
      response.end(body);
    }, wayMs);
  };
  if (list !== undefined) {
    asked.playlists++;
    return say(200, 'application/vnd.apple.mpegurl', list === 'master' ? 60 : 1, list === 'master' ? master : playlist(list));
  }
  if (path === '/live/show/show.mpd') {
    asked.playlists++;
    return say(200, 'application/dash+xml', 3600, mpd());
  }
  const held = startedMs + (Number(name) + 1) * segmentMs - Date.now();
  // As the platform's own origin does: who asks a little before a segment is there has it when it is.
  if (!there && held < 500 && bodies.has(rung)) {
    asked.segments++;
    return void setTimeout(() => say(200, 'video/mp4', 3600, bodies.get(rung) as Buffer, distanceMs / 2), held);
  }
  const body = there ? bodies.get(rung) : undefined;
  if (body === undefined) {
    asked.missing++;
    return say(404, 'text/plain', 1, 'not there');
  }
  asked.segments++;
  say(200, 'video/mp4', 3600, body);
});

process.on('SIGUSR2', () => process.stdout.write(`${JSON.stringify(asked)}\n`));
server.listen(0, '127.0.0.1', () => process.stdout.write(`${JSON.stringify({ port: (server.address() as AddressInfo).port })}\n`));
