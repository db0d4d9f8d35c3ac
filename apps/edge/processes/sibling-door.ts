import { ageSeconds, fieldValue, judgeReuse, matchesVariant, purgeTargets, type Fields, type StoredResponse, type Trust } from '#core/http-cache';
import type { Logger } from '#runtime';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { readerOf } from '../cache/body-reader.ts';
import type { CachedObject } from '../cache/cached-object.ts';
import type { EdgeCache } from '../cache/edge-cache.ts';
import { isSliced } from '../cache/slices.ts';
import type { ByteSource, BytesOf } from '../server/exchange.ts';
import type { SharedTier } from '../shared-tier/shared-tier.ts';
import type { Zone } from '../zones/zone.ts';
import type { WitnessAnswers, WitnessAsk } from '../witness/witness-answers.ts';
import { platformZoneId } from '../zones/zone-table.ts';
import type { SiblingSettings } from './processes.config.ts';
import { endFrame, frame, frameBytesMax, type SiblingAsk, type SiblingHead } from './sibling.codec.ts';
import { fillPath, invalidatePath, socketOf, witnessPath } from './siblings.ts';

export interface SiblingDoorDeps {
  readonly cache: Pick<EdgeCache, 'store' | 'ledger' | 'zones'>;
  readonly shared?: Pick<SharedTier, 'forget'> | undefined;
  readonly bytesOf: BytesOf;
  readonly positions: () => readonly bigint[];
  readonly trust: (tenant: string) => Trust;
  readonly witness: WitnessAnswers;
  readonly now: () => number;
  readonly logger: Logger;
}

interface Answer extends SiblingHead {
  readonly body: ByteSource | Uint8Array | null;
}

/** Of a question, with the fields of a request in it. */
const askBytesMax = 256 * 1024;

async function textOf(request: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of request as AsyncIterable<Buffer>) {
    bytes += piece.length;
    if (bytes > askBytesMax) throw new RangeError('The question is too long.');
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString();
}

function belongs(key: string, { epoch, id }: Zone): boolean {
  if (id === platformZoneId) return key.startsWith('/');
  const prefix = `${id}.${epoch}`;
  return key.startsWith(prefix) && '!/'.includes(key[prefix.length] ?? ' ');
}

/** Where the other processes of this edge come for what this one fetches for all. */
export class SiblingDoor {
  readonly #deps: SiblingDoorDeps;

  constructor(deps: SiblingDoorDeps) {
    this.#deps = deps;
  }

  /** @returns what closes it */
  async open({ folder, index }: SiblingSettings): Promise<() => Promise<void>> {
    const path = socketOf(folder, index);
    // Of the process that was here before.
    await rm(path, { force: true });
    const server = createServer((request, response) => {
      void this.#serve(request, response).catch((err: unknown) => {
        this.#deps.logger.debug({ err }, 'a process of this edge could not be answered');
        response.destroy();
      });
    });
    server.listen(path);
    await once(server, 'listening');
    return async () => {
      server.close();
      server.closeAllConnections();
      await rm(path, { force: true });
    };
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const text = await textOf(request);
    if (request.url === invalidatePath) {
      await this.#invalidate(JSON.parse(text) as readonly string[]);
      response.writeHead(204).end();
      return;
    }
    if (request.url === witnessPath) {
      const reply = await this.#deps.witness(JSON.parse(text) as WitnessAsk);
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(reply));
      return;
    }
    const answer = request.url === fillPath ? await this.#answer(JSON.parse(text) as SiblingAsk) : undefined;
    if (answer === undefined) {
      response.writeHead(204).end();
      return;
    }
    const { body, fields, status } = answer;
    response.writeHead(200, { 'content-type': 'application/octet-stream' });
    response.write(frame(Buffer.from(JSON.stringify({ status, fields } satisfies SiblingHead))));
    await send(response, body);
  }

  /** Undefined where the one who asks has to ask the origin itself. */
  async #answer({ fields, key, positions, zone: id }: SiblingAsk): Promise<Answer | undefined> {
    const { cache, now } = this.#deps;
    const zone = cache.zones.get(id);
    if (zone === undefined || !belongs(key, zone) || !this.#hasRead(positions)) return undefined;
    const trust = this.#deps.trust(zone.tenant);
    if (!trust.purgesKnown) return undefined;
    const values = new Map<string, string>();
    for (const [name, value] of fields) values.set(name, values.has(name) ? `${values.get(name)}, ${value}` : value);
    const request = { method: 'GET', target: key, field: (name: string) => values.get(name) };
    const { fills } = zone;
    const object = cache.store.find(key, request) ?? (cache.store.mayRecall(key) ? await cache.store.recall(key, request) : undefined);
    if (object !== undefined && judgeReuse(object.response.freshness, now(), trust) === 'fresh') return this.#ofObject(object, fields);
    if (fills.full || fills.isUnshared({ key, request })) return undefined;
    const { generation } = fills;
    const joined = fills.find({ key, request });
    const fill = joined ?? fills.start({ key, requestFields: fields, request, stale: object });
    const outcome = await fill.outcome;
    if (joined !== undefined && fills.isOvertaken(fill, generation)) return undefined;
    if (outcome.kind === 'confirmed') return this.#ofObject(outcome.object, fields);
    if (outcome.kind !== 'shared' || outcome.withheld.length > 0) return undefined;
    const { body, length, response } = outcome;
    if (!matchesVariant(response.variant, request) || !body.joinable) return undefined;
    const told: Fields = length === undefined ? [] : [['content-length', String(length)]];
    return { status: response.status, fields: [...this.#fieldsOf(response), ...told], body: readerOf(body, () => undefined) };
  }

  async #ofObject(object: CachedObject, asked: Fields): Promise<Answer | undefined> {
    if (isSliced(object)) return undefined;
    const { response } = object;
    const fields = this.#fieldsOf(response);
    const { etag } = response.validators;
    if (etag !== undefined && fieldValue(asked, 'if-none-match') === etag) return { status: 304, fields, body: null };
    const bytes = await this.#deps.bytesOf(object.body);
    return { status: response.status, fields: [...fields, ['content-length', String(bytes.length)]], body: bytes };
  }

  #fieldsOf(response: StoredResponse): Fields {
    return [...response.fields, ['age', String(ageSeconds(response.freshness, this.#deps.now()))]];
  }

  /** Whether every purge that the one who asks knows is known here: else what it gets would count as newer than it is. */
  #hasRead(positions: readonly string[]): boolean {
    const own = this.#deps.positions();
    return own.length === positions.length && positions.every((position, at) => (own[at] as bigint) >= BigInt(position));
  }

  async #invalidate(keys: readonly string[]): Promise<void> {
    const { ledger, store } = this.#deps.cache;
    for (const key of keys) {
      ledger.purge(purgeTargets.key(key));
      store.purge(key);
    }
    this.#deps.shared?.forget(keys);
    await store.flush();
  }
}

async function send(response: ServerResponse, body: Answer['body']): Promise<void> {
  const put = async (bytes: Uint8Array): Promise<void> => {
    for (let at = 0; at < bytes.length; at += frameBytesMax) {
      if (response.destroyed) throw new Error('Whoever asked is gone.');
      if (!response.write(frame(bytes.subarray(at, at + frameBytesMax)))) await Promise.race([once(response, 'drain'), once(response, 'close')]);
    }
  };
  if (body instanceof Uint8Array) await put(body);
  else if (body !== null) {
    try {
      for (let bytes = await body.read(); bytes !== undefined; bytes = await body.read()) await put(bytes);
    } finally {
      body.cancel();
    }
  }
  response.end(endFrame);
}
