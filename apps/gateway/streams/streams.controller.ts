import { seesEveryTenant } from '#domain/access';
import { Controller } from '@nestjs/common';
import { ByCaller, type Caller } from '../http/caller.ts';
import { isoTime } from '../http/fields.ts';
import { Input, Route, type InputOf } from '../http/operation.ts';
import { notFound } from '../http/problem.errors.ts';
import { PublicUrls } from '../public-urls.ts';
import { StreamCommands } from './stream-commands.ts';
import { StreamReader } from './stream-reader.ts';
import { encodingOf, latencyOf, renditionOf, settingsOf, summaryOf } from './stream.view.ts';
import { listStreams, showStream, startStream, stopStream } from './streams.contract.ts';

/** Segments per rendition in a stream's details. */
const segmentsShown = 10;

@Controller()
export class StreamsController {
  readonly #commands: StreamCommands;
  readonly #reader: StreamReader;
  readonly #urls: PublicUrls;

  constructor(commands: StreamCommands, reader: StreamReader, urls: PublicUrls) {
    this.#commands = commands;
    this.#reader = reader;
    this.#urls = urls;
  }

  @Route(startStream)
  async start(@Input(startStream) { body }: InputOf<typeof startStream>, @ByCaller() caller: Caller): Promise<object> {
    const { name, ladder, audioBitrate } = body;
    const request = { name, ladder, audioBitrate, segmentDurationMs: body.segmentDurationSeconds * 1000, graceMs: body.graceSeconds * 1000 };
    const { state, streamKey, createdAtMs } = await this.#commands.start(request, caller);
    const row = createdAtMs === undefined ? await this.#reader.row(state.streamId) : undefined;
    const summary = summaryOf(row, state, this.#urls.playback);
    return { ...summary, createdAt: summary.createdAt ?? isoTime(createdAtMs), streamKey, ingest: this.#urls.ingest };
  }

  @Route(stopStream)
  async stop(@Input(stopStream) { body }: InputOf<typeof stopStream>, @ByCaller() caller: Caller): Promise<object> {
    await this.#commands.stop(body.id, body.detail, caller);
    return { id: body.id, status: 'stopped' };
  }

  @Route(listStreams)
  async list(@Input(listStreams) { query }: InputOf<typeof listStreams>, @ByCaller() { principal }: Caller): Promise<object> {
    const page = await this.#reader.page({ ...query, tenant: seesEveryTenant(principal) ? undefined : principal.tenant });
    return { items: page.rows.map((row) => summaryOf(row, undefined, this.#urls.playback)), nextCursor: page.nextCursor };
  }

  @Route(showStream)
  async show(@Input(showStream) { params }: InputOf<typeof showStream>, @ByCaller() { principal }: Caller): Promise<object> {
    const stream = await this.#reader.visible(params.id, principal);
    if (stream === undefined) throw notFound('unknown-stream', `There is no stream ${params.id}.`);
    const { row, head } = stream;
    const renditions = row === undefined ? [] : await this.#reader.renditions(row);
    const segments = await Promise.all(renditions.map((each) => this.#reader.lastSegments(params.id, String(each['name']), segmentsShown)));
    return {
      ...summaryOf(row, head, this.#urls.playback),
      settings: settingsOf(row, head),
      encoding: encodingOf(row),
      renditions: renditions.map((each, at) => renditionOf(each, segments[at] ?? [])),
      latency: latencyOf(segments[0] ?? []),
    };
  }
}
