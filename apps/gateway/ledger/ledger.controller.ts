import { ledgerGapNote, nodeLedgerHash } from '#adapters/ledger';
import { leafInput } from '#adapters/sealed-log';
import { encodeBundle, tileWidth, toBase64 } from '#core/ledger';
import { Controller, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { ByCaller, type Caller } from '../http/caller.ts';
import { Input, Route, type InputOf } from '../http/operation.ts';
import { conflict, notFound, ProblemError } from '../http/problem.errors.ts';
import { LedgerHoldings } from './ledger-holdings.ts';
import { LedgerKeys } from './ledger-keys.ts';
import { LedgerReader, type ProofAnswer } from './ledger-reader.ts';
import { LedgerTrees } from './ledger-trees.ts';
import {
  beginLedgerAnew,
  beginLedgerExport,
  listCheckpoints,
  proveEvent,
  proveRecord,
  readLedgerRecords,
  rotateLedgerKey,
  showLedger,
  signLedgerHolding,
} from './ledger.contract.ts';

/** The audit ledger, for those who operate the platform. */
@Controller()
export class LedgerController {
  readonly #ledger: LedgerReader;
  readonly #keys: LedgerKeys;
  readonly #holdings: LedgerHoldings;
  readonly #trees: LedgerTrees;

  constructor(ledger: LedgerReader, keys: LedgerKeys, holdings: LedgerHoldings, trees: LedgerTrees) {
    this.#trees = trees;
    this.#ledger = ledger;
    this.#keys = keys;
    this.#holdings = holdings;
  }

  @Route(showLedger)
  async show(): Promise<object> {
    const [identity, trees, witnesses, gaps] = await Promise.all([
      this.#ledger.identity(),
      this.#ledger.trees(),
      this.#ledger.witnesses(),
      this.#ledger.gaps(),
    ]);
    const note = ledgerGapNote(gaps);
    return {
      name: identity?.name ?? null,
      keys: identity?.keys ?? [],
      witnesses,
      trees: trees
        .filter(({ size }) => size > 0)
        .map(({ topic, partition, origin, size, signedSize, checkpoint }) => ({
          topic,
          partition,
          origin,
          records: size,
          signedRecords: signedSize,
          checkpoint: checkpoint ?? null,
        })),
      trouble: note === undefined ? null : { code: 'ledger-gap', message: note },
    };
  }

  @Route(proveEvent)
  async proveEvent(@Input(proveEvent) { params }: InputOf<typeof proveEvent>): Promise<object> {
    return viewOf(await this.#ledger.proveEvent(params.id), `event ${params.id}`);
  }

  @Route(proveRecord)
  async proveRecord(@Input(proveRecord) { params: { topic, partition, offset } }: InputOf<typeof proveRecord>): Promise<object> {
    return viewOf(await this.#ledger.proveAt({ topic, partition }, BigInt(offset)), `record at offset ${offset} of ${topic}/${partition}`);
  }

  @Route(rotateLedgerKey)
  async rotate(@Input(rotateLedgerKey) { body }: InputOf<typeof rotateLedgerKey>, @ByCaller() caller: Caller): Promise<object> {
    return { keys: await this.#keys.rotate(body.reason, caller) };
  }

  @Route(beginLedgerAnew)
  async beginAnew(@Input(beginLedgerAnew) { body }: InputOf<typeof beginLedgerAnew>, @ByCaller() caller: Caller): Promise<object> {
    const begun = await this.#trees.beginAnew(body.reason, caller);
    return { trees: begun.map(({ topic, partition, size, low }) => ({ topic, partition, records: size, beginsAt: String(low) })) };
  }

  @Route(listCheckpoints)
  async checkpoints(@Input(listCheckpoints) { params, query }: InputOf<typeof listCheckpoints>): Promise<object> {
    const checkpoints = await this.#ledger.checkpoints(params, query.limit);
    return { items: checkpoints.map(({ size, note }) => ({ records: size, checkpoint: note })) };
  }

  @Route(beginLedgerExport)
  beginExport(): Promise<object> {
    return this.#holdings.begin();
  }

  @Route(signLedgerHolding)
  async holding(@Input(signLedgerHolding) { params, query }: InputOf<typeof signLedgerHolding>): Promise<object> {
    const [keys = 0, cosignatures = 0, seen = 0] = query.witnessed?.split('.').map(Number) ?? [];
    const witnessed = query.witnessed === undefined ? undefined : { keys, cosignatures, seen };
    return { holding: await this.#holdings.sign(params, { size: query.size, withRecords: query.records === 'all', exportId: query.export, witnessed }) };
  }

  @Route(readLedgerRecords)
  async records(@Input(readLedgerRecords) { params }: InputOf<typeof readLedgerRecords>, @Res() reply: FastifyReply): Promise<void> {
    const records = await this.#ledger.records(params, params.tile);
    if (records === undefined) throw notFound('unknown-tile', `The ledger of ${params.topic}/${params.partition} has no tile ${params.tile}.`);
    const bytes = encodeBundle(records.map(({ record }) => ({ offset: record.offset, leafInput: leafInput(record, nodeLedgerHash) })));
    const isLost = params.tile === 0 && (await this.#ledger.hasLostBeginning(params));
    const isRemoved = records.length === 0 && (await this.#ledger.isRemoved(params, params.tile));
    const first = records[0]?.index ?? (isRemoved ? (params.tile + 1) * tileWidth : -1);
    // Which leaf the first of them is, for retention may have removed the ones before; and whether it was retention.
    void reply
      .headers({ 'x-first-leaf': String(first), ...(isLost ? { 'x-beginning-lost': 'true' } : {}) })
      .type('application/octet-stream')
      .send(Buffer.from(bytes));
  }
}

function viewOf(answer: ProofAnswer, what: string): object {
  switch (answer.kind) {
    case 'unknown':
      throw notFound('unknown-record', `There is no ${what} in the audit ledger.`);
    case 'not-known-yet':
      throw new ProblemError({
        status: 503,
        code: 'not-known-yet',
        detail: `Whether there is an ${what} is not known yet: the index of events and the audit ledger are behind the log. Ask again in a few seconds.`,
        headers: { 'retry-after': '5' },
      });
    case 'not-signed-yet':
      throw new ProblemError({
        status: 409,
        code: 'not-signed-yet',
        detail: `The ${what} is not signed yet. It will be within seconds.`,
        headers: { 'retry-after': '10' },
      });
    case 'altered':
      throw conflict(
        'record-altered',
        `The ${what} is not what was recorded: the log was changed at offset ${answer.at.offset} of ${answer.at.topic}/${answer.at.partition}.`,
      );
    case 'proof': {
      const { eventId, topic, partition, offset, index, size, leafHash, proof, checkpoint } = answer.proof;
      return { eventId, topic, partition, offset: String(offset), index, treeSize: size, leafHash: toBase64(leafHash), proof: proof.map(toBase64), checkpoint };
    }
  }
}
