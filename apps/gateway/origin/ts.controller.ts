import { emptyCaptions, shiftedCaptions } from '#core/captions';
import { gapName } from '#core/hls';
import { MpegTsError, segmentToTs, tsOriginTicks } from '#core/mpegts';
import { isStreamId } from '#domain/stream';
import { hasCode } from '#kernel';
import { BlobStore } from '#ports';
import { Controller, Get, Options, Param, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { matchesTag } from '../http/http-range.core.ts';
import { badRequest, notFound } from '../http/problem.errors.ts';
import { corsHeaders, ManifestReplies } from './manifest-replies.ts';
import { immutableCaching, liveCaching, noMedia, recordingCaching, refusePlaylist, unknownMedia } from './origin.controller.ts';
import { emptyCaptionsName } from './caption-tracks.ts';
import { playlistQueryOf } from './playlist-query.ts';
import { parseTsName, type NamedTrack } from './ts-name.core.ts';
import { TsPlaylists } from './ts-playlists.ts';

const cidPattern = /^b[a-z2-7]{20,120}$/;
/** A segment of captions is some hundred bytes; this route reads it whole. */
const captionBytesMax = 1_048_576;
const playlistName = /^([A-Za-z0-9][A-Za-z0-9_.:-]{0,127})\.m3u8$/;

/** The origin for players that want MPEG transport streams: made of the stored segments when somebody asks, kept by the edge. */
@Controller()
export class TsController {
  readonly #playlists: TsPlaylists;
  readonly #blobs: BlobStore;
  readonly #replies = new ManifestReplies();

  constructor(playlists: TsPlaylists, blobs: BlobStore) {
    this.#playlists = playlists;
    this.#blobs = blobs;
  }

  @Get('/live/:streamId/ts/:file')
  async playlist(@Param('streamId') streamId: string, @Param('file') file: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    reply.headers(corsHeaders);
    if (file === gapName) throw noMedia();
    const name = playlistName.exec(file)?.[1];
    if (name === undefined) throw notFound('no-route', 'Playlists end with ".m3u8".');
    const { past, startSec, skip } = playlistQueryOf(request.query as Readonly<Record<string, unknown>>);
    if (past !== undefined)
      throw badRequest('invalid-request', 'The past is served in fragmented MP4 alone.', [{ field: 'query.asOf', message: 'Not for transport streams.' }]);
    if (!isStreamId(streamId)) return refusePlaylist({ kind: 'unknown-stream' }, streamId);
    const playlist = name === 'master' ? await this.#playlists.master(streamId, { startSec }) : await this.#playlists.media(streamId, name, { startSec, skip });
    if (playlist.kind !== 'playlist') return refusePlaylist(playlist, streamId);
    return this.#replies.send(playlist, 'm3u8', playlist.ended ? recordingCaching : liveCaching, request, reply);
  }

  @Get('/media/ts/:file')
  async media(@Param('file') file: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    reply.headers(corsHeaders);
    if (file.endsWith('.vtt')) return this.#captions(file.slice(0, -'.vtt'.length), request, reply);
    const named = parseTsName(file);
    if (named === undefined) throw notFound('unknown-media', 'A transport stream is named by its number and what it is made of, with ".ts".');
    const tag = `"${file.slice(0, -3)}"`;
    reply.headers({ etag: tag, 'cache-control': immutableCaching });
    if (matchesTag(request.headers['if-none-match'], tag)) return void reply.status(304).send();
    const tracks = await Promise.all(named.tracks.map((track) => this.#read(track)));
    void reply.type('video/mp2t').send(made(named.mediaSequence, tracks, file));
  }

  @Options(['/live/:streamId/ts/:file', '/media/ts/:file'])
  preflight(@Res() reply: FastifyReply): void {
    void reply
      .status(204)
      .headers({ ...corsHeaders, 'access-control-allow-methods': 'GET, HEAD, OPTIONS', 'access-control-max-age': '86400' })
      .send();
  }

  /** Captions beside transport streams: their clock runs ahead. */
  async #captions(cid: string, request: FastifyRequest, reply: FastifyReply): Promise<void> {
    if (cid === emptyCaptionsName) return this.#replies.send({ text: emptyCaptions }, 'vtt', immutableCaching, request, reply);
    if (!cidPattern.test(cid)) throw unknownMedia('of that name');
    const { sizeBytes } = (await this.#blobs.stat(cid)) ?? { sizeBytes: captionBytesMax + 1 };
    if (sizeBytes > captionBytesMax) throw unknownMedia(cid);
    const text = new TextDecoder().decode(await this.#blobs.read(cid));
    return this.#replies.send({ text: shiftedCaptions(text, tsOriginTicks) }, 'vtt', immutableCaching, request, reply);
  }

  async #read({ initCid, cid }: NamedTrack): Promise<{ readonly init: Uint8Array; readonly segment: Uint8Array }> {
    try {
      const [init, segment] = await Promise.all([this.#blobs.read(initCid), this.#blobs.read(cid)]);
      return { init, segment };
    } catch (error) {
      if (hasCode(error, 'BLOB_NOT_FOUND')) throw unknownMedia(cid);
      throw error;
    }
  }
}

function made(mediaSequence: number, tracks: readonly { readonly init: Uint8Array; readonly segment: Uint8Array }[], file: string): Buffer {
  try {
    const bytes = segmentToTs({ mediaSequence, tracks });
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  } catch (error) {
    // Whoever made up a name of blobs that are no segments gets the same answer as for blobs that are not there.
    if (error instanceof MpegTsError) throw notFound('unknown-media', `${file.slice(0, 60)}… is made of nothing that a transport stream can carry.`);
    throw error;
  }
}
