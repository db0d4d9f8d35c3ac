import { Clock } from '#ports';
import { Controller, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { CdnReader } from '../cdn/cdn-reader.ts';
import { ByCaller, type Caller } from '../http/caller.ts';
import { formatKeyPage, parseKeyPage } from '../http/key-page.ts';
import { Input, Route, type InputOf } from '../http/operation.ts';
import { PublicUrls } from '../public-urls.ts';
import { differenceOf } from '../replays/replay.view.ts';
import { ShownRows } from '../review/shown-rows.ts';
import { streamDetail, streamPage } from '../streams/stream-detail.ts';
import { StreamReader } from '../streams/stream-reader.ts';
import { tableFor } from '../watch/read-models.ts';
import { conditionsOfText, jsonValue } from '../watch/row-json.codec.ts';
import { SandboxReader } from './sandbox-reader.ts';
import { compareSandbox, listSandboxStreams, readSandboxRows, showSandboxPurge, showSandboxStream } from './sandboxes.contract.ts';

const samplesMax = 20;

/** What a sandbox holds: the answers have the shapes of those of the platform, for the same readers make them. */
@Controller()
export class SandboxRowsController {
  readonly #sandboxes: SandboxReader;
  readonly #urls: PublicUrls;
  readonly #clock: Clock;
  readonly #shown: ShownRows;

  constructor(sandboxes: SandboxReader, urls: PublicUrls, clock: Clock, shown: ShownRows) {
    this.#shown = shown;
    this.#sandboxes = sandboxes;
    this.#urls = urls;
    this.#clock = clock;
  }

  @Route(readSandboxRows)
  async rows(
    @Input(readSandboxRows) { params, query }: InputOf<typeof readSandboxRows>,
    @ByCaller() { principal }: Caller,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const { table } = tableFor(principal, params.table);
    const reads = await this.#sandboxes.readsOf(params.name);
    const rows = await reads.select(table, {
      where: await this.#shown.masked.conditions(table, conditionsOfText(table, query.where ?? []), 'query.where.'),
      orderBy: Object.keys(table.key).map((column) => ({ column })),
      limit: query.limit + 1,
      ...(query.cursor === undefined ? {} : { after: parseKeyPage(table, query.cursor, 'query.cursor') }),
    });
    const page = rows.slice(0, query.limit);
    const last = page.at(-1);
    const nextCursor = rows.length > page.length && last !== undefined ? formatKeyPage(table, last) : null;
    void reply.type('application/json; charset=utf-8').send(JSON.stringify({ rows: await this.#shown.masked.rows(table, page), nextCursor }, jsonValue));
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
    return new CdnReader(reads, this.#clock).existing(params.id, principal);
  }

  @Route(compareSandbox)
  async compare(@Input(compareSandbox) { params, query }: InputOf<typeof compareSandbox>): Promise<object | null> {
    return differenceOf(await this.#sandboxes.difference(params.name, query.projection, samplesMax));
  }
}
