import type { FastifyReply, FastifyRequest } from 'fastify';
import { matchesTag } from '../http/http-range.core.ts';
import { codedFields, CodedTexts, type CodedText } from './coded-texts.ts';
import { SharedReplies } from './shared-replies.ts';

export const manifestTypes = { m3u8: 'application/vnd.apple.mpegurl', mpd: 'application/dash+xml', vtt: 'text/vtt; charset=utf-8' } as const;
export type ManifestFormat = keyof typeof manifestTypes;

/** Players of other sites read these; there are no cookies or keys involved. */
export const corsHeaders = {
  'access-control-allow-origin': '*',
  'access-control-expose-headers': 'Content-Length, Content-Range, ETag, Age, Cache-Status, Date',
};
/** What was waited for is there for good; what has come since, the next request asks for. */
const waitedCaching = 'public, max-age=2';

/** What was rendered; the same object for all who get the same, for as long as that may be asked for. */
export interface RenderedText {
  readonly text: string;
}

/** Playlists, manifests and captions as they go over the wire: compressed as the client takes it, once per text and not per client. */
export class ManifestReplies {
  readonly #texts = new CodedTexts();
  readonly #shared = new SharedReplies();

  async send(of: RenderedText, format: ManifestFormat, caching: string, request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const coded = await this.#texts.of(of, request.headers['accept-encoding']);
    reply.headers({ ...codedFields(coded), 'cache-control': caching });
    if (matchesTag(request.headers['if-none-match'], coded.tag)) return void reply.removeHeader('content-encoding').status(304).send();
    void reply.type(manifestTypes[format]).send(Buffer.from(coded.body, 'latin1'));
  }

  /** To one of many who have waited for it. */
  sendWaited(of: RenderedText, request: FastifyRequest, reply: FastifyReply): void | Promise<void> {
    const coded = this.#texts.of(of, request.headers['accept-encoding']);
    if (coded instanceof Promise) return coded.then((large) => this.#sendShared(large, request, reply));
    this.#sendShared(coded, request, reply);
  }

  #sendShared(coded: CodedText, request: FastifyRequest, reply: FastifyReply): void {
    this.#shared.send(coded, () => ({ text: coded.body, tag: coded.tag, fields: waitedFields(coded) }), request, reply);
  }
}

function waitedFields(coded: CodedText): readonly string[] {
  const fields = { ...corsHeaders, ...codedFields(coded), 'cache-control': waitedCaching, 'content-type': manifestTypes.m3u8 };
  return Object.entries(fields).flat();
}
