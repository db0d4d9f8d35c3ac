import { Controller, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { CdnReader } from '../cdn/cdn-reader.ts';
import { ByCaller, type Caller } from '../http/caller.ts';
import { Input, Route, type InputOf } from '../http/operation.ts';
import { PublicUrls } from '../public-urls.ts';
import { differenceOf } from '../replays/replay.view.ts';
import { ShownRows } from '../review/shown-rows.ts';
import { streamDetail, streamPage } from '../streams/stream-detail.ts';
import { StreamReader } from '../streams/stream-reader.ts';
import { tableFor } from '../watch/read-models.ts';
import { conditionsOfText } from '../watch/row-json.codec.ts';
import { rowPage, sendRows } from '../watch/row-pages.ts';
import { SandboxReader } from './sandbox-reader.ts';
import { compareSandbox, listSandboxStreams, readSandboxRows, showSandboxPurge, showSandboxStream } from './sandboxes.contract.ts';

const samplesMax = 20;

/** What a sandbox holds: the answers have the shapes of those of the platform, for the same readers make them. */
@Controller()
export class SandboxRowsController {
  readonly #sandboxes: SandboxReader;
  readonly #urls: PublicUrls;
  readonly #shown: ShownRows;

  constructor(sandboxes: SandboxReader, urls: PublicUrls, shown: ShownRows) {
    this.#shown = shown;
    this.#sandboxes = sandboxes;
    this.#urls = urls;
  }

  @Route(readSandboxRows)
  async rows(
    @Input(readSandboxRows) { params, query }: InputOf<typeof readSandboxRows>,
    @ByCaller() { principal }: Caller,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const { table } = tableFor(principal, params.table);
    const reads = await this.#sandboxes.readsOf(params.name);
    const where = await this.#shown.masked.conditions(table, conditionsOfText(table, query.where ?? []), 'query.where.');
    const page = await rowPage(reads, table, { ...query, where });
    sendRows(reply, { ...page, rows: await this.#shown.masked.rows(table, page.rows) });
  }

  @Route(listSandboxStreams)
  async streams(@Input(listSandboxStreams) { params, query }: InputOf<typeof listSandboxStreams>): Promise<object> {
    const reads = await this.#sandboxes.readsOf(params.name);
    return streamPage(await new StreamReader(reads).page(query), this.#urls.playback);
  }

  @Route(showSandboxStream)
  async stream(@Input(showSandboxStream) { params }: InputOf<typeof showSandboxStream>, @ByCaller() { principal }: Caller): Promise<object> {
    const reads = await this.#sandboxes.readsOf(params.name);
    return streamDetail(new StreamReader(reads), params.id, principal, { playback: this.#urls.playback });
  }

  @Route(showSandboxPurge)
  async purge(@Input(showSandboxPurge) { params }: InputOf<typeof showSandboxPurge>, @ByCaller() { principal }: Caller): Promise<object> {
    const reads = await this.#sandboxes.readsOf(params.name);
    return new CdnReader(reads).existing(params.id, principal);
  }

  @Route(compareSandbox)
  async compare(@Input(compareSandbox) { params, query }: InputOf<typeof compareSandbox>, @ByCaller() { principal }: Caller): Promise<object> {
    const { difference, eventsGone } = await this.#sandboxes.difference(params.name, query.projection, samplesMax);
    return { ...differenceOf(query.projection, difference, principal), eventsGone };
  }
}
