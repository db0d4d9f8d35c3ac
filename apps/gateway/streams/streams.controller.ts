import { defaultTenant, seesEveryTenant } from '#domain/access';
import { Controller } from '@nestjs/common';
import { ByCaller, type Caller } from '../http/caller.ts';
import { isoTime } from '../http/fields.ts';
import { Input, Route, type InputOf } from '../http/operation.ts';
import { PastModels } from '../past/past-models.ts';
import { PublicUrls } from '../public-urls.ts';
import { AudienceReader } from './audience-reader.ts';
import { StreamCommands, type SaidSettings } from './stream-commands.ts';
import { StreamDefaults } from './stream-defaults.ts';
import { StreamReader } from './stream-reader.ts';
import { streamDetail, streamPage, type StreamPlaces } from './stream-detail.ts';
import { summaryOf } from './stream.view.ts';
import { issueStreamKey, listStreams, showStream, startStream, stopStream, switchStream } from './streams.contract.ts';

@Controller()
export class StreamsController {
  readonly #commands: StreamCommands;
  readonly #reader: StreamReader;
  readonly #urls: PublicUrls;
  readonly #past: PastModels;
  readonly #defaults: StreamDefaults;
  readonly #audience: AudienceReader;

  constructor(commands: StreamCommands, reader: StreamReader, urls: PublicUrls, past: PastModels, defaults: StreamDefaults, audience: AudienceReader) {
    this.#commands = commands;
    this.#reader = reader;
    this.#urls = urls;
    this.#past = past;
    this.#defaults = defaults;
    this.#audience = audience;
  }

  get #places(): StreamPlaces {
    const { playback, media } = this.#urls;
    return { playback, media, viewers: (id) => this.#audience.of(id) };
  }

  @Route(startStream)
  async start(@Input(startStream) { body }: InputOf<typeof startStream>, @ByCaller() caller: Caller): Promise<object> {
    const { name, profile, graceSeconds, ladder, audioBitrate, segmentDurationSeconds, dvrWindowSeconds, lowLatency, unlisted, audioTracks } = body;
    const said: SaidSettings = {
      ...(ladder === undefined ? {} : { ladder }),
      ...(audioBitrate === undefined ? {} : { audioBitrate }),
      ...(audioTracks === undefined ? {} : { audioTracks }),
      ...(segmentDurationSeconds === undefined ? {} : { segmentDurationMs: segmentDurationSeconds * 1000 }),
      ...(dvrWindowSeconds === undefined ? {} : { dvrWindowMs: dvrWindowSeconds * 1000 }),
      graceMs: graceSeconds * 1000,
      lowLatency,
      unlisted,
    };
    const defaults = await this.#defaults.settingsFor(caller.tenant ?? defaultTenant, profile);
    const { state, streamKey, createdAtMs } = await this.#commands.start({ name, said, defaults }, caller);
    const row = createdAtMs === undefined ? await this.#reader.row(state.streamId) : undefined;
    const summary = summaryOf(row, state, this.#urls.playback, 0);
    return { ...summary, createdAt: summary.createdAt ?? isoTime(createdAtMs), streamKey, ingest: this.#urls.ingest };
  }

  @Route(issueStreamKey)
  async issueKey(@Input(issueStreamKey) { body }: InputOf<typeof issueStreamKey>, @ByCaller() caller: Caller): Promise<object> {
    const { id, expiresInSeconds, singleUse, previousForSeconds } = body;
    const { streamKey, expiresAtMs } = await this.#commands.issueKey({ id, expiresInSeconds, singleUse, previousForSeconds }, caller);
    return { id, streamKey, expiresAt: isoTime(expiresAtMs === 0 ? null : expiresAtMs), singleUse };
  }

  @Route(switchStream)
  async switchTo(@Input(switchStream) { body }: InputOf<typeof switchStream>, @ByCaller() caller: Caller): Promise<object> {
    await this.#commands.switchTo(body.id, body.to, body.reason, caller);
    return { id: body.id, preferred: body.to };
  }

  @Route(stopStream)
  async stop(@Input(stopStream) { body }: InputOf<typeof stopStream>, @ByCaller() caller: Caller): Promise<object> {
    await this.#commands.stop(body.id, body.detail, caller);
    return { id: body.id, status: 'stopped' };
  }

  @Route(listStreams)
  async list(@Input(listStreams) { query }: InputOf<typeof listStreams>, @ByCaller() { principal }: Caller): Promise<object> {
    const wanted = { ...query, tenant: seesEveryTenant(principal) ? undefined : principal.tenant };
    if (query.asOf === undefined) return streamPage(await this.#reader.page(wanted), this.#urls.playback, await this.#audience.all());
    return this.#past.at(query.asOf, 'query.asOf', async ({ asOf, reads }) => {
      const page = await new StreamReader(reads).page(wanted);
      if (page.rows.length === 0) await this.#past.requireBegun(asOf, 'query.asOf');
      return streamPage(page, this.#urls.playbackAsOf(asOf.text));
    });
  }

  @Route(showStream)
  async show(@Input(showStream) { params, query }: InputOf<typeof showStream>, @ByCaller() { principal }: Caller): Promise<object> {
    if (query.asOf === undefined) return streamDetail(this.#reader, params.id, principal, this.#places);
    return this.#past.at(query.asOf, 'query.asOf', ({ asOf, reads }) =>
      streamDetail(new StreamReader(reads), params.id, principal, { playback: this.#urls.playbackAsOf(asOf.text) }),
    );
  }
}
