import { emptyCaptions, joinedCaptions } from '#core/captions';
import { missingSegment } from '#core/fmp4';
import { captionsSuffix, gapName, iFramesSuffix, thumbnailsName } from '#core/hls';
import { BlobStore, Clock } from '#ports';
import { isStreamId } from '#domain/stream';
import { hasCode } from '#kernel';
import { Controller, Get, Options, Param, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Readable } from 'node:stream';
import { matchesTag, rangeOf } from '../http/http-range.core.ts';
import { badRequest, notFound, ProblemError } from '../http/problem.errors.ts';
import { pathOf } from '../http/problem.filter.ts';
import { LivePlaylists, type PartPlace } from '../low-latency/live-playlists.ts';
import { LiveSegments, type SegmentPlace } from '../low-latency/live-segments.ts';
import { WaitingTogether, type LivePlaylist } from '../low-latency/waiting-together.ts';
import { emptyCaptionsName } from './caption-tracks.ts';
import type { CountedPlace } from './counted-segments.ts';
import { PastPlaylists } from './past-playlists.ts';
import { fieldProblem, handedOn, playlistQueryOf, type PlaylistQuery } from './playlist-query.ts';
import { corsHeaders, ManifestReplies, type ManifestFormat } from './manifest-replies.ts';
import { PlaylistReader, type Playlist, type PlaylistForm } from './playlist-reader.ts';

const manifestName = /^([A-Za-z0-9][A-Za-z0-9_.:-]{0,127})\.(m3u8|mpd|vtt)$/;
/** DASH has one manifest a stream. */
const mpdName = 'manifest';
export const liveCaching = 'public, max-age=1, stale-if-error=30';
/** Not longer: a packager that was away for longer than a stopped stream is waited for may still bring a last segment. */
export const recordingCaching = 'public, max-age=10, stale-if-error=30';
/** A moment that has just passed: something may still be recorded under it. */
const momentCaching = 'public, max-age=1';
export const immutableCaching = 'public, max-age=31536000, immutable';
/** Shorter than the edge's memory of a 404, because this one turns into a playlist any moment. */
const soonCaching = 'public, max-age=1';
/** Of a part that was not there: never in place of one that is, whatever becomes of the origin. */
const noPartCaching = 'public, max-age=1, must-revalidate';
/** Whoever waited together is told together, and who asks again is not told of it: what is late may be there by then. */
const latePartCaching = 'public';
/** Parts are asked for while they are new; later their segments are. */
const partCaching = 'public, max-age=60, immutable';

const mediaTypes: Readonly<Record<string, string>> = { m4s: 'video/iso.segment', mp4: 'video/mp4', jpg: 'image/jpeg', vtt: 'text/vtt; charset=utf-8' };
/** `<media sequence>.<index>.<run of the encoder>.m4s`. */
const partName = /^(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,3})\.([A-Za-z0-9]{1,64})\.m4s$/;
/** `<media sequence>.m4s`, of captions `.vtt`, or, where players count, `p<first of its period>-<number>.m4s`. */
const segmentName = /^(?:p(0|[1-9]\d{0,8})-)?(0|[1-9]\d{0,8})\.(m4s|vtt)$/;
const mediaName = /^(b[a-z2-7]{20,120})\.(m4s|mp4|jpg|vtt)$/;

/** The origin behind the edge: playlists rendered from read models, media by its content identifier. */
@Controller()
export class OriginController {
  readonly #playlists: PlaylistReader;
  readonly #blobs: BlobStore;
  readonly #past: PastPlaylists;

  readonly #live: LivePlaylists;
  readonly #segments: LiveSegments;
  readonly #replies = new ManifestReplies();
  readonly #together = new WaitingTogether();
  readonly #clock: Clock;

  constructor(playlists: PlaylistReader, blobs: BlobStore, past: PastPlaylists, live: LivePlaylists, segments: LiveSegments, clock: Clock) {
    this.#playlists = playlists;
    this.#live = live;
    this.#segments = segments;
    this.#blobs = blobs;
    this.#past = past;
    this.#clock = clock;
  }

  @Get('/live/:streamId/:file')
  async playlist(@Param('streamId') streamId: string, @Param('file') file: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    reply.headers(corsHeaders);
    const wanted = manifestOf(file);
    const asked = playlistQueryOf(request.query as Readonly<Record<string, unknown>>);
    if (asked.past !== undefined) {
      const settled = await this.#past.serve(asked.past, asked, streamId, async (playlists, form) => {
        const playlist = await playlistOf(playlists, streamId, wanted, form);
        return playlist.kind === 'playlist' ? playlist : refusePlaylist(playlist, streamId);
      });
      return this.#replies.send(settled.playlist, wanted.format, settled.forEver ? immutableCaching : momentCaching, request, reply);
    }
    const { startSec, skip, part } = asked;
    const form = { query: handedOn(asked, undefined), startSec, skip, part };
    const waited: { sent?: Promise<void> } = {};
    const ask = (): Promise<LivePlaylist | undefined> | undefined => this.#livePlaylist(streamId, wanted, asked);
    const answer = (one: LivePlaylist | undefined): void => {
      if (one?.kind === 'playlist' && !one.ended) waited.sent = (async () => this.#replies.sendWaited(one, request, reply))();
    };
    const isReload = wanted.format === 'm3u8' && asked.reload !== undefined;
    const live = await (isReload ? this.#together.join(request.url, ask, answer) : ask());
    if (waited.sent !== undefined) return waited.sent;
    const playlist = live ?? (await playlistOf(this.#playlists, streamId, wanted, form));
    if (playlist.kind !== 'playlist') return refusePlaylist(playlist, streamId);
    // RFC 8216bis section 6.2.5.2; a playlist that has ended is the same whatever is asked.
    if (asked.isPartAlone && !playlist.ended) throw fieldProblem('_HLS_part', 'Expected together with _HLS_msn.');
    const caching = playlist.ended ? recordingCaching : liveCaching;
    return this.#replies.send(playlist, wanted.format, caching, request, reply);
  }

  /** Undefined for what is made of rows alone: multivariant playlists, recordings, streams without a live edge. */
  #livePlaylist(streamId: string, { name, format }: Manifest, asked: PlaylistQuery): Promise<LivePlaylist | undefined> | undefined {
    if (format === 'mpd' && isStreamId(streamId)) return this.#live.manifest(streamId, this.#clock.now());
    if (format !== 'm3u8' || name === 'master' || name === thumbnailsName || asked.part !== undefined || !isStreamId(streamId)) return undefined;
    const { rendition, iFrames = false, captions } = namedBy(name);
    const { startSec, skip, reload } = asked;
    return this.#live.media(streamId, rendition, { startSec, skip, iFrames, captions }, reload);
  }

  @Get('/media/:file')
  async media(@Param('file') file: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    reply.headers(corsHeaders);
    if (file === `${emptyCaptionsName}.vtt`) return this.#replies.send({ text: emptyCaptions }, 'vtt', immutableCaching, request, reply);
    const match = mediaName.exec(file);
    if (match === null) throw notFound('unknown-media', 'Media is named by its content identifier, with ".m4s", ".mp4", ".jpg" or ".vtt".');
    await this.#sendMedia(match[1] as string, match[2] as string, request, reply);
  }

  /** A segment as DASH names it: by its number. What has a number keeps it, so this is the same for ever, too. Or a part of one. */
  @Get('/live/:streamId/:rendition/:file')
  async numbered(
    @Param() { streamId, rendition, file }: Readonly<Record<'streamId' | 'rendition' | 'file', string>>,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    reply.headers(corsHeaders);
    const part = partName.exec(file);
    if (part !== null) {
      const [, mediaSequence, index, run] = part as unknown as [string, string, string, string];
      return this.#sendPart(streamId, { rendition, mediaSequence: Number(mediaSequence), index: Number(index), run }, reply);
    }
    const pictureUs = rendition === thumbnailsName ? /^(0|[1-9]\d{0,14})\.jpg$/.exec(file)?.[1] : undefined;
    if (pictureUs !== undefined) return this.#sendPictures(streamId, Number(pictureUs), request, reply);
    const [, period, number, extension] = segmentName.exec(file) ?? [];
    if (number === undefined) throw notFound('no-route', 'Segments are named by their number, with ".m4s", those of captions with ".vtt".');
    if (period !== undefined) {
      const counted = { period: Number(period), number: Number(number) };
      if (extension === 'vtt') return this.#sendCountedCaptions(streamId, rendition, counted, request, reply);
      return this.#sendCounted(streamId, { rendition, ...counted }, request, reply);
    }
    if (extension === 'vtt') return this.#sendCaptions(streamId, rendition, Number(number), request, reply);
    await this.#sendSegment(streamId, { rendition, mediaSequence: Number(number) }, request, reply);
  }

  /** Small pictures as DASH names them: by their place on the stream's timeline, microseconds. */
  async #sendPictures(streamId: string, startUs: number, request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const cid = isStreamId(streamId) ? await this.#playlists.image(streamId, startUs) : undefined;
    if (cid === undefined) throw notFound('unknown-media', 'The stream has no such pictures.', { 'cache-control': soonCaching });
    await this.#sendMedia(cid, 'jpg', request, reply);
  }

  /** @param name channel of captions, with `.captions` behind it */
  async #sendCaptions(streamId: string, name: string, mediaSequence: number, request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const { captions: channel } = namedBy(name);
    const known = channel !== undefined && isStreamId(streamId);
    const stored = known ? await this.#playlists.captions(streamId, channel, mediaSequence) : undefined;
    const cid = stored ?? (known ? await this.#segments.captions(streamId, channel, mediaSequence) : undefined);
    if (cid === undefined) throw notFound('unknown-media', 'The stream has no such captions.', { 'cache-control': soonCaching });
    // What did not come in time may still come.
    if (cid === emptyCaptionsName)
      return this.#replies.send({ text: emptyCaptions }, 'vtt', stored === undefined ? soonCaching : immutableCaching, request, reply);
    await this.#sendMedia(cid, 'vtt', request, reply);
  }

  async #sendCountedCaptions(
    streamId: string,
    name: string,
    place: Omit<CountedPlace, 'rendition'>,
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<void> {
    const { captions: channel } = namedBy(name);
    const known = channel !== undefined && isStreamId(streamId);
    const stored = known ? await this.#playlists.counted.captions(streamId, channel, place) : undefined;
    const cids = stored ?? (known ? await this.#segments.countedCaptions(streamId, channel, place) : undefined);
    if (cids === undefined) throw notFound('unknown-media', 'The stream has no such captions.', { 'cache-control': soonCaching });
    const [only, ...others] = cids;
    if (only !== undefined && others.length === 0) return this.#sendMedia(only, 'vtt', request, reply);
    const texts = (await Promise.all(cids.map((cid) => this.#readMedia(cid)))).map((bytes) => new TextDecoder().decode(bytes));
    // What did not come in time may still come.
    return this.#replies.send({ text: joinedCaptions(texts) }, 'vtt', stored === undefined ? soonCaching : immutableCaching, request, reply);
  }

  /** What DASH players set their clocks by (UTCTiming); edges answer it themselves. */
  @Get('/live/time')
  time(@Res() reply: FastifyReply): void {
    void reply
      .headers({ ...corsHeaders, 'cache-control': 'no-store' })
      .type('text/plain; charset=utf-8')
      .send(new Date(this.#clock.now()).toISOString());
  }

  @Options(['/live/time', '/live/:streamId/:file', '/live/:streamId/:rendition/:file', '/media/:file'])
  preflight(@Res() reply: FastifyReply): void {
    void reply
      .status(204)
      .headers({
        ...corsHeaders,
        'access-control-allow-methods': 'GET, HEAD, OPTIONS',
        'access-control-allow-headers': 'Range, If-None-Match, If-Range, CMCD-Session, X-Playback-Session-Id',
        'access-control-max-age': '86400',
      })
      .send();
  }

  async #sendPart(streamId: string, place: PartPlace, reply: FastifyReply): Promise<void> {
    const part = isStreamId(streamId) ? await this.#live.part(streamId, place) : ({ kind: 'absent' } as const);
    if (part.kind === 'absent') throw notFound('unknown-media', 'There is no such part.', { 'cache-control': noPartCaching });
    if (part.kind !== 'part') throw unavailable(part.kind, latePartCaching);
    const { buffer, byteOffset, byteLength } = part.bytes;
    void reply
      .headers({ 'cache-control': partCaching })
      .type(mediaTypes['m4s'] as string)
      .send(Buffer.from(buffer, byteOffset, byteLength));
  }

  async #sendSegment(streamId: string, place: SegmentPlace, request: FastifyRequest, reply: FastifyReply): Promise<void> {
    if (!isStreamId(streamId)) throw noSegment();
    const { rendition, mediaSequence } = place;
    const cid = await this.#playlists.segment(streamId, rendition, mediaSequence);
    if (cid !== undefined) return this.#sendMedia(cid, 'm4s', request, reply);
    const live = await this.#segments.find(streamId, place);
    switch (live?.kind) {
      case 'stored':
        return this.#sendMedia(live.cid, 'm4s', request, reply);
      case 'growing':
        return sendGrowing(live.bytes, partCaching, request, reply);
      case 'full':
      case 'late':
        throw unavailable(live.kind);
      default:
        throw noSegment();
    }
  }

  /** What players count to: a segment, or several where runs of an encoder met in it. */
  async #sendCounted(streamId: string, place: CountedPlace, request: FastifyRequest, reply: FastifyReply): Promise<void> {
    if (!isStreamId(streamId)) throw noSegment();
    const { segments, isOver, isSettled, unknown } = await this.#playlists.counted.find(streamId, place);
    const cids = segments.map(({ cid }) => cid);
    if (cids.length > 0 && isOver) return this.#sendJoined(cids, isSettled ? immutableCaching : recordingCaching, request, reply);
    const live = await this.#segments.counted(streamId, place);
    const read = (stored: string): Promise<Uint8Array> => this.#blobs.read(stored);
    switch (live?.kind) {
      case 'growing':
        return sendGrowing(() => live.bytes(read), partCaching, request, reply);
      case 'held':
        return sendGrowing(() => live.bytes(read), soonCaching, request, reply);
      case 'full':
        throw unavailable(live.kind);
      case 'far':
        throw noSegment();
      default:
        if (cids.length > 0) return this.#sendJoined(cids, soonCaching, request, reply);
        if (unknown === 'rendition') return refusePlaylist({ kind: 'unknown-rendition' }, streamId);
        if (unknown === 'period') throw noSegment();
        // Players that count come here when a stream pauses or ends, or leaves a number out, before they have heard of it.
        if (await this.#playlists.knows(streamId)) return sendMissing(reply);
        throw noSegment();
    }
  }

  async #sendJoined(cids: readonly string[], caching: string, request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const [only, ...others] = cids;
    if (only !== undefined && others.length === 0) return this.#sendMedia(only, 'm4s', request, reply, caching);
    const tag = `"${cids.join('.')}"`;
    reply.headers({ etag: tag, 'cache-control': caching });
    if (matchesTag(request.headers['if-none-match'], tag)) return void reply.status(304).send();
    const all = await Promise.all(cids.map((cid) => this.#readMedia(cid)));
    // RFC 9110 section 14.2: ranges may be ignored.
    void reply.type(mediaTypes['m4s'] as string).send(Buffer.concat(all));
  }

  async #sendMedia(cid: string, extension: string, request: FastifyRequest, reply: FastifyReply, caching = immutableCaching): Promise<void> {
    const info = await this.#blobs.stat(cid);
    if (info === undefined) throw unknownMedia(cid);
    const tag = `"${cid}"`;
    reply.headers({ etag: tag, 'cache-control': caching, 'accept-ranges': 'bytes' });
    if (matchesTag(request.headers['if-none-match'], tag)) return void reply.status(304).send();
    // RFC 9110 section 13.1.5: a range of another version is no use; only a strong tag can say that it is the same.
    const ifRange = request.headers['if-range'];
    // Section 14.2: ranges are defined for GET alone.
    const mayRange = request.method === 'GET' && (ifRange === undefined || ifRange === tag);
    const asked = rangeOf(mayRange ? request.headers.range : undefined, info.sizeBytes);
    if (asked.kind === 'unsatisfiable') {
      throw new ProblemError({
        status: 416,
        code: 'range-not-satisfiable',
        detail: 'The range begins behind the end.',
        headers: { 'content-range': `bytes */${info.sizeBytes}` },
      });
    }
    const size = asked.kind === 'part' ? asked.range.last - asked.range.first + 1 : info.sizeBytes;
    if (asked.kind === 'part') reply.status(206).header('content-range', `bytes ${asked.range.first}-${asked.range.last}/${info.sizeBytes}`);
    reply.type(mediaTypes[extension] as string).header('content-length', size);
    const range = asked.kind === 'part' ? asked.range : undefined;
    // A whole recording does not fit into memory once per viewer; what breaks off in the middle, the viewer asks for again.
    if (size > wholeBytesMax) return void reply.send(Readable.from(this.#blobs.readStream(cid, range)));
    const bytes = await this.#readMedia(cid, range);
    void reply.send(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  }

  async #readMedia(cid: string, range?: Parameters<BlobStore['read']>[1]): Promise<Uint8Array> {
    try {
      return await this.#blobs.read(cid, range);
    } catch (error) {
      // Deleted since it was found.
      if (hasCode(error, 'BLOB_NOT_FOUND')) throw unknownMedia(cid);
      throw error;
    }
  }
}

/** It may be there any moment. */
function noSegment(): ProblemError {
  return notFound('unknown-media', 'The stream has no such segment.', { 'cache-control': soonCaching });
}

/**
 * A segment that is being made goes out as it grows, by chunked transfer (RFC 9112 section 7.1). Its size and its tag are not
 * known yet, so that there are no ranges of it (RFC 9110 section 14.2 allows that).
 */
function sendGrowing(bytes: () => AsyncGenerator<Uint8Array, void>, caching: string, request: FastifyRequest, reply: FastifyReply): void {
  reply.headers({ 'cache-control': caching }).type(mediaTypes['m4s'] as string);
  void reply.send(request.method === 'HEAD' ? undefined : Readable.from(wholeOrCut(bytes(), request, reply), { objectMode: false }));
}

/** What breaks off is cut off, so that nobody takes it for the whole: a packager that dies is no error of ours, and is told in a line. */
async function* wholeOrCut(bytes: AsyncGenerator<Uint8Array, void>, request: FastifyRequest, reply: FastifyReply): AsyncGenerator<Uint8Array, void> {
  try {
    yield* bytes;
  } catch (error) {
    if (!hasCode(error, 'SEGMENT_BROKEN') || !reply.raw.headersSent) throw error;
    request.log.warn({ path: pathOf(request.url), reason: (error as Error).message }, 'a segment that was sent as it grew broke off');
    reply.raw.destroy();
  }
}

/** There is nothing of this number in that period, and never will be: a player goes on, where an error would end it (dash.js 5.2). */
function sendMissing(reply: FastifyReply): void {
  void reply
    .headers({ 'cache-control': soonCaching })
    .type(mediaTypes['m4s'] as string)
    .send(Buffer.from(missingSegment()));
}

/** What is sent from memory; more than that goes out in pieces, as it is read. */
const wholeBytesMax = 8_388_608;

/** Of what playlists name and mark with EXT-X-GAP. */
export function noMedia(): ProblemError {
  return notFound('unknown-media', 'A gap has no media: playlists mark it with EXT-X-GAP, and there is nothing to load.');
}

export function unknownMedia(cid: string): ProblemError {
  return notFound('unknown-media', `There is no media ${cid}.`);
}

interface Manifest {
  readonly name: string;
  readonly format: ManifestFormat;
}

/** @throws ProblemError 404 */
function manifestOf(file: string): Manifest {
  if (file === gapName) throw noMedia();
  const [, name, format] = manifestName.exec(file) ?? [];
  const isKnown = format === 'm3u8' || (format === 'mpd' && name === mpdName) || (format === 'vtt' && name === thumbnailsName);
  if (name === undefined || !isKnown)
    throw notFound('no-route', `Playlists end with ".m3u8"; for DASH there is ${mpdName}.mpd, of pictures ${thumbnailsName}.vtt.`);
  return { name, format: format as ManifestFormat };
}

function playlistOf(playlists: PlaylistReader, streamId: string, { name, format }: Manifest, form: PlaylistForm): Promise<Playlist> {
  if (!isStreamId(streamId)) return Promise.resolve({ kind: 'unknown-stream' });
  if (format === 'mpd') return playlists.mpd(streamId, form);
  if (name === thumbnailsName) return playlists.thumbnails(streamId, format, form);
  if (name === 'master') return playlists.master(streamId, form);
  const { rendition, ...kind } = namedBy(name);
  return playlists.media(streamId, rendition, { ...form, ...kind });
}

/** Media playlists of what is beside a rendition's segments are named after it, or after the channel of captions. */
function namedBy(name: string): Pick<PlaylistForm, 'iFrames' | 'captions'> & { readonly rendition: string } {
  if (name.endsWith(iFramesSuffix)) return { rendition: name.slice(0, -iFramesSuffix.length), iFrames: true };
  return name.endsWith(captionsSuffix) ? { rendition: name, captions: name.slice(0, -captionsSuffix.length) } : { rendition: name };
}

export function refusePlaylist(playlist: Exclude<LivePlaylist, { kind: 'playlist' }>, streamId: string): never {
  switch (playlist.kind) {
    case 'unknown-stream':
      throw notFound('unknown-stream', `There is no stream ${streamId}.`);
    case 'unknown-rendition':
      throw notFound('unknown-rendition', 'The stream has no such rendition.', { 'cache-control': soonCaching });
    case 'nothing-yet':
      throw playlist.ended
        ? notFound('never-live', 'The stream ended without a picture.', { 'cache-control': soonCaching })
        : notFound('nothing-yet', 'The stream has not produced anything yet.', { 'cache-control': soonCaching });
    case 'too-far':
      throw badRequest('invalid-request', 'query._HLS_msn: This is further ahead than anybody can know of.');
    case 'late':
    case 'full':
      throw unavailable(playlist.kind);
  }
}

/** RFC 8216bis section 6.2.5.2. Remembered for a second: those who waited together do not all come again at once. */
function unavailable(why: 'late' | 'full', caching = soonCaching): ProblemError {
  const detail = why === 'late' ? 'It did not come within three target durations.' : 'Too many requests are waiting here already.';
  // Every viewer who waits while a publisher is away comes to this: no failure.
  const told = why === 'late' ? 'debug' : 'info';
  return new ProblemError({ status: 503, code: 'not-yet', detail, headers: { 'cache-control': caching, 'retry-after': '1' }, told });
}
