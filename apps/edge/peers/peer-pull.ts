import { matchesVariant, type PurgeLedger } from '#core/http-cache';
import { edgeProofHeader, edgeProofOf, pause, type Logger } from '#runtime';
import { CachedObject } from '../cache/cached-object.ts';
import type { ObjectStore } from '../cache/object-store.ts';
import type { KeepBytes } from '../server/exchange.ts';
import { zoneOfKey, type ZoneTable } from '../zones/zone-table.ts';
import { decodePeerObject, knowsAll, responseOf, type HotObject, type PurgeMark } from './peer-object.codec.ts';
import { hotPath, objectPath, peerProofOver } from './peer-paths.ts';

export interface PeerPullInit {
  /** From whom, the best first. */
  readonly peers: () => Promise<readonly string[]>;
  readonly secret: string;
  /** Of all that is taken at a time, bytes. */
  readonly bytesMax: number;
  readonly timeMaxMs: number;
}

export interface PeerPullDeps {
  readonly store: ObjectStore;
  readonly ledger: PurgeLedger;
  readonly zones: ZoneTable;
  readonly keep: KeepBytes;
  readonly mark: () => PurgeMark | undefined;
  readonly logger: Pick<Logger, 'info' | 'warn'>;
  readonly now: () => number;
  readonly stopping: AbortSignal;
}

export interface Pulled {
  objects: number;
  bytes: number;
  /** What a peer could not give, or was behind in purges with. */
  refused: number;
}

const atOnce = 8;
const triesMax = 4;
const againMs = 100;
const requestTimeoutMs = 5000;

/**
 * Takes what is hot at other edges, as it lies there. What a peer gives must not survive a purge that it had not seen: it is taken
 * only if the peer, when it looked at the object, knew every purge that this edge knew when it asked. So the object has outlived
 * those; it is stored with this edge's generation of the moment when it asked, and judged by all that came since like a fill.
 */
export class PeerPull {
  readonly #init: PeerPullInit;
  readonly #deps: PeerPullDeps;

  constructor(init: PeerPullInit, deps: PeerPullDeps) {
    this.#init = init;
    this.#deps = deps;
  }

  /** One round over all peers, within time and bytes; drives nothing out. */
  async round(): Promise<Pulled> {
    const { logger, now, stopping } = this.#deps;
    const untilMs = now() + this.#init.timeMaxMs;
    const pulled: Pulled = { objects: 0, bytes: 0, refused: 0 };
    const over = (): boolean => stopping.aborted || now() >= untilMs || pulled.bytes >= this.#init.bytesMax;
    for (const peer of await this.#init.peers()) {
      try {
        const wanted = (await this.#hot(peer)).filter((hot) => this.#wants(hot));
        const next = wanted[Symbol.iterator]();
        const work = async (): Promise<void> => {
          for (const hot of next) {
            if (over()) return;
            await this.#take(peer, hot, pulled, over);
          }
        };
        await Promise.all(Array.from({ length: atOnce }, work));
      } catch (err) {
        logger.warn({ err, peer }, 'a peer does not say what is hot there');
      }
      if (over()) break;
    }
    return pulled;
  }

  #wants({ bytes, key, values }: HotObject): boolean {
    const { store, zones } = this.#deps;
    const { epoch, id } = zoneOfKey(key);
    if (zones.get(id)?.epoch !== epoch || bytes > store.room) return false;
    return store.current(key, ({ response }) => JSON.stringify(response.variant.values.map((value) => value ?? null)) === JSON.stringify(values)) === undefined;
  }

  async #take(peer: string, hot: HotObject, pulled: Pulled, over: () => boolean): Promise<void> {
    for (let tries = 0; tries < triesMax && !over(); tries++) {
      const outcome = await this.#ask(peer, hot).catch(() => 'failed' as const);
      if (typeof outcome === 'number') {
        pulled.objects++;
        pulled.bytes += outcome;
        return;
      }
      // A peer is behind by the moment that a purge takes to it.
      if (outcome !== 'behind') break;
      await pause(againMs, this.#deps.stopping);
    }
    pulled.refused++;
  }

  async #ask(peer: string, { key, values }: HotObject): Promise<number | 'behind' | 'failed'> {
    const { keep, ledger, mark, now, store, zones } = this.#deps;
    const [known, generation, askedAtMs] = [mark(), ledger.generation, now()];
    if (known === undefined) return 'behind';
    const query = new URLSearchParams({ key, values: JSON.stringify(values) });
    const decoded = decodePeerObject(await this.#get(peer, `${objectPath}?${query}`));
    if (decoded === undefined) return 'failed';
    const { body, object: given } = decoded;
    if (!knowsAll(given.mark, known)) return 'behind';
    const zone = zoneOfKey(key);
    const response = responseOf(given, askedAtMs);
    const object = new CachedObject({ key, labels: given.labels as CachedObject['labels'], response, generation }, keep(body));
    if (zones.get(zone.id)?.epoch !== zone.epoch || now() >= response.freshness.freshUntilMs || object.bytes > store.room) return 'failed';
    // What was purged here meanwhile the peer may not have known.
    if (!ledger.isCurrent(object, generation)) return 'failed';
    const { names, values: chosen } = response.variant;
    const request = { field: (name: string) => chosen[names.indexOf(name)] };
    if (store.current(key, (other) => matchesVariant(other.response.variant, request)) === undefined) store.put(object);
    return body.length;
  }

  async #hot(peer: string): Promise<readonly HotObject[]> {
    return JSON.parse(new TextDecoder().decode(await this.#get(peer, hotPath))) as HotObject[];
  }

  async #get(peer: string, path: string): Promise<Uint8Array> {
    const signal = AbortSignal.any([this.#deps.stopping, AbortSignal.timeout(requestTimeoutMs)]);
    const headers = { [edgeProofHeader]: edgeProofOf(this.#init.secret, peerProofOver) };
    const response = await fetch(peer + path, { headers, signal, redirect: 'error' });
    if (response.status !== 200) throw new Error(`${peer} answers ${response.status}`);
    return new Uint8Array(await response.arrayBuffer());
  }
}
