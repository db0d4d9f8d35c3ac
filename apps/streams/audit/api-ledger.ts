import { createHash } from 'node:crypto';
import { beginsAtOf, type Bundle, type RecordSource, type SeenCheckpoint, type TreeSource } from '#adapters/ledger';
import {
  cutBundle,
  decodeBundle,
  parseCheckpoint,
  parseTreeList,
  tilePath,
  tilesOf,
  tileWidth,
  type BundledRecord,
  type SizedTile,
  type Witnessed,
} from '#core/ledger';
import type { CdnHealth, LedgerView } from '../client/api.types.ts';
import { ApiFailure, type ApiClient } from '../client/api-client.ts';
import { messageOf, PlainFailure } from '../streams.errors.ts';

const timeoutMs = 60_000;
const edgeTimeoutMs = 3000;
const tilesAtOnce = 8;
const checkpointsMax = 10_000;

export interface ApiLedgerInit {
  /** Whether records are read, or hashes alone. */
  readonly records: boolean;
  /** Told of edges that do not say what they have seen. */
  readonly warn: (line: string) => void;
  /** For a bundle: begins its export and gives its list of the trees. It holds each as large as it is there. */
  readonly begin?: () => Promise<string>;
}

/** A tree as the gateway serves it, and its records tile by tile. */
export interface ApiTree extends TreeSource {
  readonly size: number;
  /** The records of a tile of level 0, as many as the newest checkpoint vouches for; `first` is their first leaf, `lost` that something else than retention took the ones before. */
  /** Signed by the ledger: which records a bundle of this size holds, and what of witnesses. */
  holding(withRecords: boolean, exportId: string, witnessed: Witnessed): Promise<string>;
  tileRecords(tile: SizedTile): Promise<{ readonly bundle: Uint8Array; readonly first: number; readonly lost: boolean }>;
}

export interface ApiBundle extends Bundle {
  readonly trees: readonly ApiTree[];
  /** Why trees stand still, and the way out. */
  readonly trouble: string | undefined;
}

/** As on a platform that has just begun. */
export class NothingSigned extends PlainFailure {
  constructor() {
    super('Nothing is signed yet: the audit ledger signs every few seconds once there are events.');
  }
}

/** The audit ledger of a running platform, over HTTP. @throws NothingSigned */
export async function apiLedger(api: ApiClient, init: ApiLedgerInit): Promise<ApiBundle> {
  // Before the trees: what it says of them is then the least that they must be.
  const firstList = init.begin === undefined ? await readTreeList(api) : undefined;
  const view = await api.call<LedgerView>('GET', '/api/v1/ledger');
  if (view.name === null) throw new NothingSigned();
  const keyList = await (await api.open('GET', '/ledger/v1/keys', { signal: AbortSignal.timeout(timeoutMs) })).text();
  const edges = await knownEdges(api);
  const trees: ApiTree[] = [];
  // Before what they are compared with: what an edge has seen is no newer than that.
  const witnessed = async (origin: string): Promise<readonly SeenCheckpoint[]> => seenOf(origin, edges, init.warn);
  // Its keys may be there sooner than its trees. Those that an edge has seen signed are not new, whatever the platform says.
  if (init.begin === undefined && firstList === undefined && view.trees.every(({ checkpoint }) => checkpoint === null)) {
    const seen = await Promise.all(view.trees.map(({ origin }) => witnessed(origin)));
    if (seen.flat().length === 0) throw new NothingSigned();
  }
  const begun = init.begin === undefined ? undefined : await beginExport(view, witnessed, init.begin);
  if (begun === undefined)
    for (const tree of view.trees) if (tree.checkpoint !== null) trees.push(await openTree(api, { ...tree, seen: await witnessed(tree.origin) }, init));
  for (const tree of begun?.trees ?? []) trees.push(await openTree(api, tree, init));
  const treeList = begun?.treeList ?? firstList;
  return { keyList, treeList, witnessKeys: view.witnesses.map(({ verifierKey }) => verifierKey), trees, trouble: view.trouble?.message };
}

/** Undefined where nobody has signed one; the audit finds that. */
async function readTreeList(api: ApiClient): Promise<string | undefined> {
  try {
    return await (await api.open('GET', '/ledger/v1/trees', { signal: AbortSignal.timeout(timeoutMs) })).text();
  } catch (error) {
    if (error instanceof ApiFailure && error.status === 404) return undefined;
    throw error;
  }
}

type Place = Pick<LedgerView['trees'][number], 'topic' | 'partition'>;

interface Edge {
  readonly id: string;
  readonly url: string;
}

async function knownEdges(api: ApiClient): Promise<readonly Edge[]> {
  const { edges } = await api.call<CdnHealth>('GET', '/api/v1/cdn/health');
  return edges
    .filter(({ mirroredFrom, status, url }) => mirroredFrom === null && status === 'up' && url !== null)
    .map(({ id, url }) => ({ id, url: url ?? '' }));
}

interface WantedTree extends Place {
  readonly origin: string;
  readonly seen: readonly SeenCheckpoint[];
  /** Of an export; undefined for as many as are signed. */
  readonly size?: number;
}

/** The trees of an export, as large as its list says; whatever is signed later is not of it. */
async function beginExport(
  { name, trees }: LedgerView,
  witnessed: (origin: string) => Promise<readonly SeenCheckpoint[]>,
  begin: () => Promise<string>,
): Promise<{ readonly treeList: string; readonly trees: readonly WantedTree[] }> {
  const seen = new Map<string, readonly SeenCheckpoint[]>();
  for (const { origin } of trees) seen.set(origin, await witnessed(origin));
  const treeList = await begin();
  const wanted = parseTreeList(treeList).trees.map(({ tree, size }) => {
    const [topic = '', partition = ''] = tree.split('/');
    const origin = `${name}/${tree}`;
    return { topic, partition: Number(partition.split('@')[0]), origin, seen: seen.get(origin) ?? [], size };
  });
  return { treeList, trees: wanted };
}

async function openTree(api: ApiClient, { topic, partition, origin, seen, size: wanted }: WantedTree, init: ApiLedgerInit): Promise<ApiTree> {
  const { items } = await api.call<{ items: ReadonlyArray<{ checkpoint: string }> }>(
    'GET',
    `/api/v1/ledger/${topic}/${partition}/checkpoints?limit=${checkpointsMax}`,
  );
  const all = items.map(({ checkpoint }) => checkpoint);
  const checkpoints = wanted === undefined ? all : all.filter((note) => parseCheckpoint(note).size <= wanted);
  const { size } = parseCheckpoint(checkpoints[0] ?? all[0] ?? '');
  if (wanted !== undefined && size !== wanted)
    throw new PlainFailure(`The ledger has no checkpoint of ${wanted} records of ${topic}/${partition} any more. Export it anew.`);
  const tiles = await readTiles(api, origin, size);
  const tileRecords = (tile: SizedTile): ReturnType<ApiTree['tileRecords']> => readRecords(api, { topic, partition }, tile);
  return {
    topic,
    partition,
    beginsAt: beginsAtOf(origin),
    size,
    checkpoints,
    seen,
    tile: ({ level, index }) => tiles.get(`${level}/${index}`),
    tileRecords,
    holding: async (withRecords, exportId, witnessed) => {
      const counts = `${witnessed.keys}.${witnessed.cosignatures}.${witnessed.seen}`;
      const path = `/api/v1/ledger/${topic}/${partition}/holding?size=${size}&records=${withRecords ? 'all' : 'none'}&export=${exportId}&witnessed=${counts}`;
      return (await api.call<{ readonly holding: string }>('GET', path)).holding;
    },
    records: init.records ? await recordSource(size, tileRecords) : undefined,
  };
}

/** What the gateway says of a past that it cannot read; that is for the audit to find. */
const damages = ['sealed-segment-damaged', 'log-hole', 'position-truncated'];

async function recordSource(size: number, tileRecords: ApiTree['tileRecords']): Promise<RecordSource> {
  const read = (): AsyncIterable<BundledRecord> => allRecords(size, tileRecords);
  try {
    const { first, lost } = await tileRecords(firstTile(size));
    if (first === 0 || lost) return { firstLeaf: 0, read };
    // What is there begins behind the last of them: retention has removed them all.
    const isRemoved = (await tileRecords(lastTile(size))).first >= size;
    return { firstLeaf: isRemoved ? size : undefined, read };
  } catch (error) {
    if (!(error instanceof ApiFailure) || !damages.includes(error.code)) throw error;
    return { firstLeaf: 0, read };
  }
}

function firstTile(size: number): SizedTile {
  return { level: 0, index: 0, width: Math.min(size, 256) };
}

function lastTile(size: number): SizedTile {
  const index = Math.floor((size - 1) / tileWidth);
  return { level: 0, index, width: size - index * tileWidth };
}

async function readTiles(api: ApiClient, origin: string, size: number): Promise<ReadonlyMap<string, Uint8Array>> {
  const tiles = new Map<string, Uint8Array>();
  const wanted = tilesOf(size);
  const reader = async (): Promise<void> => {
    for (const tile of wanted) {
      const response = await api.open('GET', `/ledger/v1/${origin}/${tilePath(tile)}`, { signal: AbortSignal.timeout(timeoutMs) });
      tiles.set(`${tile.level}/${tile.index}`, new Uint8Array(await response.arrayBuffer()));
    }
  };
  await Promise.all(Array.from({ length: tilesAtOnce }, reader));
  return tiles;
}

async function readRecords(api: ApiClient, { topic, partition }: Place, tile: SizedTile): ReturnType<ApiTree['tileRecords']> {
  const response = await api.open('GET', `/api/v1/ledger/${topic}/${partition}/records/${tile.index}`, { signal: AbortSignal.timeout(timeoutMs) });
  const first = Number(response.headers.get('x-first-leaf') ?? -1);
  const bytes = new Uint8Array(await response.arrayBuffer());
  // The tree may have grown since the checkpoint.
  const bundle = cutBundle(bytes, Math.max(0, tile.index * 256 + tile.width - first));
  return { bundle, first, lost: response.headers.has('x-beginning-lost') };
}

async function* allRecords(size: number, tileRecords: ApiTree['tileRecords']): AsyncGenerator<BundledRecord, void> {
  for (const tile of tilesOf(size)) {
    if (tile.level > 0) return;
    yield* decodeBundle((await tileRecords(tile)).bundle);
  }
}

/** What each edge that is up has cosigned last of a tree; asked directly, not through the gateway. */
async function seenOf(origin: string, edges: readonly Edge[], warn: (line: string) => void): Promise<readonly SeenCheckpoint[]> {
  const path = `/ledger/witness/v1/${createHash('sha256').update(origin).digest('hex')}/checkpoint`;
  const seen: SeenCheckpoint[] = [];
  for (const { id, url } of edges) {
    try {
      const response = await fetch(`${url}${path}`, { signal: AbortSignal.timeout(edgeTimeoutMs) });
      if (response.ok) seen.push({ by: id, note: await response.text() });
    } catch (error) {
      warn(`Edge ${id} does not say what it has seen of ${origin}: ${messageOf(error)}`);
    }
  }
  return seen;
}
