import { parseTilePath } from '#core/ledger';
import type { LedgerPartition } from '#ports';
import { Controller, Get, Param, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { notFound } from '../http/problem.errors.ts';
import { LedgerReader } from './ledger-reader.ts';

const corsHeaders = { 'access-control-allow-origin': '*' };
/** A checkpoint is replaced every few seconds. */
const soonCaching = 'public, max-age=1';
const immutableCaching = 'public, max-age=31536000, immutable';
const textType = 'text/plain; charset=utf-8';

/**
 * The ledger as C2SP tlog-tiles says, for everybody: hashes and signatures, no records. The prefix of a log is
 * `/ledger/v1/<origin>`, its origin `<name>/<topic>/<partition>`.
 */
@Controller()
export class TlogController {
  readonly #ledger: LedgerReader;

  constructor(ledger: LedgerReader) {
    this.#ledger = ledger;
  }

  /** All keys that sign, signed by each of them. */
  @Get('/ledger/v1/keys')
  async keys(@Res() reply: FastifyReply): Promise<void> {
    const identity = await this.#ledger.identity();
    if (identity === undefined)
      throw notFound('nothing-yet', 'The audit ledger has not signed anything yet.', { 'cache-control': soonCaching, ...corsHeaders });
    void reply
      .headers({ ...corsHeaders, 'cache-control': soonCaching })
      .type(textType)
      .send(identity.note);
  }

  /** All trees, their sizes and roots, signed as checkpoints are. */
  @Get('/ledger/v1/trees')
  async trees(@Res() reply: FastifyReply): Promise<void> {
    const list = await this.#ledger.treeList();
    if (list === undefined) throw notFound('nothing-yet', 'The list of trees is not signed yet.', { 'cache-control': soonCaching, ...corsHeaders });
    void reply
      .headers({ ...corsHeaders, 'cache-control': soonCaching })
      .type(textType)
      .send(list);
  }

  @Get('/ledger/v1/:name/:topic/:partition/checkpoint')
  async checkpoint(
    @Param('name') name: string,
    @Param('topic') topic: string,
    @Param('partition') partition: string,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const at = await this.#tree(name, topic, partition);
    const checkpoint = await this.#ledger.checkpoint(at);
    if (checkpoint === undefined) throw notFound('nothing-yet', 'Nothing was signed of this tree yet.', { 'cache-control': soonCaching, ...corsHeaders });
    void reply
      .headers({ ...corsHeaders, 'cache-control': soonCaching })
      .type(textType)
      .send(checkpoint.note);
  }

  @Get('/ledger/v1/:name/:topic/:partition/tile/*')
  async tile(
    @Param('name') name: string,
    @Param('topic') topic: string,
    @Param('partition') partition: string,
    @Param('*') path: string,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const at = await this.#tree(name, topic, partition);
    const tile = parseTilePath(`tile/${path}`);
    const hashes = tile === undefined ? undefined : await this.#ledger.tile(at, tile);
    if (hashes === undefined) throw notFound('unknown-tile', 'There is no such tile.', { 'cache-control': soonCaching, ...corsHeaders });
    // A partial tile stays what it is, too: a wider one has another name.
    void reply
      .headers({ ...corsHeaders, 'cache-control': immutableCaching })
      .type('application/octet-stream')
      .send(Buffer.from(hashes));
  }

  /** Everything else below the ledger is none of the console's pages. */
  @Get('/ledger/*')
  nothing(): never {
    throw notFound('no-route', 'The audit ledger has no such path.', { 'cache-control': soonCaching, ...corsHeaders });
  }

  async #tree(name: string, topic: string, partition: string): Promise<LedgerPartition> {
    const [, number = '-1', offset] = /^(0|[1-9]\d{0,3})(?:@([1-9]\d{0,18}))?$/.exec(partition) ?? [];
    const at = { topic, partition: Number(number), beginsAt: BigInt(offset ?? 0) };
    if (at.partition < 0 || !(await this.#ledger.isTree(name, at)))
      throw notFound('unknown-tree', `The audit ledger has no tree ${name}/${topic}/${partition}.`, { 'cache-control': soonCaching, ...corsHeaders });
    return at;
  }
}
