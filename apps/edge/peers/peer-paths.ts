import { edgeProofHeader, isEdgeProof } from '#runtime';
import type { ObjectStore } from '../cache/object-store.ts';
import type { CachedObject } from '../cache/cached-object.ts';
import { replyHead, type BytesOf, type EdgeReply, type EdgeRequest } from '../server/exchange.ts';
import { encodePeerObject, peerObjectOf, valuesOf, type HotObject, type PurgeMark } from './peer-object.codec.ts';

export const hotPath = '/.streams/peer/hot';
export const objectPath = '/.streams/peer/object';
/** What the proof is over: an edge asks, and nobody's address counts. */
export const peerProofOver = 'peer';

export interface PeerPathsDeps {
  readonly secret: string | undefined;
  readonly store: () => ObjectStore | undefined;
  readonly bytesOf: BytesOf;
  /** How far this edge has read the purges; undefined while it does not know what was purged lately. */
  readonly mark: () => PurgeMark | undefined;
  readonly now: () => number;
}

/** Of a hot list, objects; and of one object given to a peer, bytes. */
const hotMax = 5000;
const objectBytesMax = 32 * 1024 * 1024;
/** What is stale before it can be there is not worth sending, ms. */
const freshMinMs = 5000;
const slotsPerStep = 5000;

function reply(status: number, body: Uint8Array | string): EdgeReply {
  return { head: replyHead(status, [['cache-control', 'no-store']]), body: typeof body === 'string' ? new TextEncoder().encode(body) : body };
}

/**
 * What other edges are given: the list of what is used here, and each object of it as it is stored, with how far the purges
 * were read when it was looked at. Only those who know EDGE_SECRET get an answer; to all others the paths do not exist.
 */
export function peerPaths(deps: PeerPathsDeps): (request: EdgeRequest, target: string) => Promise<EdgeReply> | EdgeReply | undefined {
  return (request, target) => {
    if (!target.startsWith('/.streams/peer/') || request.method !== 'GET' || deps.secret === undefined) return undefined;
    const proof = request.field(edgeProofHeader);
    if (proof === undefined || !isEdgeProof(deps.secret, peerProofOver, proof)) return undefined;
    const store = deps.store();
    if (store === undefined || deps.mark() === undefined) return reply(503, 'It is not known here what was purged lately.');
    const [path, query] = target.split('?', 2);
    if (path === hotPath) return hotList(store, deps.now());
    return path === objectPath ? given(store, new URLSearchParams(query), deps) : undefined;
  };
}

/** Slices are nothing without each other: their keys hold what no target does. */
function isWhole({ key, response }: CachedObject): boolean {
  return response.sliced === undefined && /^[\x21-\x7e]+$/.test(key);
}

/** The most used first. */
function hotList(store: ObjectStore, nowMs: number): EdgeReply {
  const found: CachedObject[] = [];
  const visit = (object: CachedObject): void => {
    const { freshness } = object.response;
    if (object.uses > 0 && isWhole(object) && object.body.size <= objectBytesMax && freshness.freshUntilMs - nowMs >= freshMinMs) found.push(object);
  };
  for (let slot = store.scan(0, slotsPerStep, visit); slot !== undefined; slot = store.scan(slot, slotsPerStep, visit));
  const objects: HotObject[] = found
    .sort((a, b) => b.uses - a.uses)
    .slice(0, hotMax)
    .map((object) => ({ key: object.key, values: valuesOf(object.response), bytes: object.bytes }));
  return reply(200, JSON.stringify(objects));
}

async function given(store: ObjectStore, query: URLSearchParams, { bytesOf, mark, now }: PeerPathsDeps): Promise<EdgeReply> {
  const values = query.get('values');
  const object = store.current(query.get('key') ?? '', (each) => isWhole(each) && JSON.stringify(valuesOf(each.response)) === values);
  // Read in the moment in which the object was judged: it has outlived all purges up to here, and no more is said.
  const known = mark();
  if (object === undefined || known === undefined || object.body.size > objectBytesMax) return reply(404, 'It is not here.');
  const about = peerObjectOf(object.response, object.labels, known, now());
  return reply(200, encodePeerObject(about, await bytesOf(object.body)));
}
