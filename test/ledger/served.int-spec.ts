import { Ed25519Signer, nodeLedgerHash, verifyEd25519 } from '#adapters/ledger';
import {
  auditTiles,
  decodeBundle,
  formatVerifierKey,
  fromBase64,
  leafHash,
  originKeys,
  parseCheckpoint,
  parseRecordBytes,
  parseTreeList,
  parseVerifierKey,
  readKeyList,
  signatureTypes,
  signedBy,
  tilePath,
  tilesOf,
  verifierKey,
  verifyInclusion,
  wasAt,
  type SignedCheckpoint,
} from '#core/ledger';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import { EdgeProcess, temporaryFolder } from '../../apps/edge/edge.fixture.ts';
import { realEngines, startGateway, World, type RunningGateway } from '../../apps/gateway/testing/gateway.fixture.ts';
import { WitnessRounds } from '../../apps/projector/ledger/witness-rounds.ts';
import { keepLedger } from './ledger-run.ts';

describe('the audit ledger, served', () => {
  let world: World;
  let gateway: RunningGateway;
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let edge: EdgeProcess;
  let headers: { readonly authorization: string };
  const ids: string[] = [];

  const get = (path: string): Promise<Response> => fetch(`${gateway.url}${path}`, { headers });
  const json = async <T>(path: string): Promise<T> => (await (await get(path)).json()) as T;

  beforeAll(async () => {
    world = await World.open(await realEngines());
    gateway = await startGateway(world.engines, world.consolePath);
    headers = { authorization: (await world.key(['admin'])).authorization };
    folder = await temporaryFolder();
    edge = await EdgeProcess.start({ runtime: 'bun', dataDir: folder.path, originUrl: gateway.url });
    for (let n = 0; n < 300; n++) {
      const id = `e-${n}`;
      const data = { contentId: 'one', url: `https://origin.example/${n}`, contentType: 'video/mp4' };
      ids.push(id);
      const body = JSON.stringify({ specversion: '1.0', id, source: '/cms', type: 'content.published', data });
      const response = await fetch(`${gateway.url}/api/v1/events`, {
        method: 'POST',
        headers: { ...headers, 'content-type': 'application/cloudevents+json' },
        body,
      });
      expect(response.status).toBe(200);
    }
    await world.settle();
  }, 60_000);

  afterAll(async () => {
    await edge?.kill('SIGTERM');
    await gateway.stop();
    await world.close();
    await folder?.remove();
  });

  test('before its first checkpoint it says so', async () => {
    expect((await get('/ledger/v1/keys')).status).toBe(404);
    expect(await json('/api/v1/ledger')).toMatchObject({ name: null, trees: [] });
  });

  test('stands in tiles, through the edge, for everybody', async () => {
    await keepLedger({ ...world.engines, store: world.engines.ledger });
    const through = (path: string): Promise<Response> => fetch(`http://127.0.0.1:${edge.port}${path}`);
    const keys = readKeyList(await (await through('/ledger/v1/keys')).text(), [], nodeLedgerHash, verifyEd25519);
    const list = parseTreeList(await (await through('/ledger/v1/trees')).text());
    expect(signedBy(list.note, originKeys(keys, list.origin, nodeLedgerHash), verifyEd25519).right).toHaveLength(1);
    expect(list.trees.filter(({ tree }) => tree.startsWith('content/')).map(({ size }) => size)).toEqual([300]);
    const { trees } = await json<{ trees: Array<{ topic: string; origin: string; records: number }> }>('/api/v1/ledger');
    const tree = trees.find(({ topic }) => topic === 'content');
    expect(tree?.records).toBe(300);
    const prefix = `/ledger/v1/${tree?.origin}`;
    const answer = await through(`${prefix}/checkpoint`);
    expect([answer.headers.get('content-type'), answer.headers.get('cache-control')]).toEqual(['text/plain; charset=utf-8', 'public, max-age=1']);
    const checkpoint = parseCheckpoint(await answer.text());
    expect(signedBy(checkpoint.note, originKeys(keys, checkpoint.origin, nodeLedgerHash), verifyEd25519).right).toHaveLength(1);
    const tiles = new Map<string, Uint8Array>();
    for (const tile of tilesOf(checkpoint.size)) {
      const served = await through(`${prefix}/${tilePath(tile)}`);
      expect([served.status, served.headers.get('cache-control')]).toEqual([200, 'public, max-age=31536000, immutable']);
      tiles.set(`${tile.level}/${tile.index}`, new Uint8Array(await served.arrayBuffer()));
    }
    expect((await through(`${prefix}/tile/0/000`)).headers.get('cache-status')).toContain('hit');
    const audit = auditTiles(checkpoint.size, [checkpoint.size], ({ level, index }) => tiles.get(`${level}/${index}`), nodeLedgerHash);
    expect(audit.broken).toEqual([]);
    expect(wasAt(audit, checkpoint)).toBe(true);
    for (const wrong of ['/tile/0/002', '/tile/0/001.p/200', '/tile/0/1', '/tile/entries/000', '/nothing'])
      expect((await through(prefix + wrong)).status).toBe(404);
    for (const wrong of ['other/content/0', 'ledger.example/nothing/0', 'ledger.example/content/12', 'ledger.example/content/00'])
      expect((await through(`/ledger/v1/${wrong}/checkpoint`)).status).toBe(404);
  });

  test('proves each event by its id or its place, and nothing else', async () => {
    interface Proof {
      readonly topic: string;
      readonly partition: number;
      readonly offset: string;
      readonly index: number;
      readonly treeSize: number;
      readonly leafHash: string;
      readonly proof: readonly string[];
      readonly checkpoint: string;
    }
    const check = ({ index, treeSize, leafHash: leaf, proof, checkpoint }: Proof): SignedCheckpoint => {
      const signed = parseCheckpoint(checkpoint);
      const hashes = proof.map((hash) => fromBase64(hash) ?? new Uint8Array());
      expect(verifyInclusion(fromBase64(leaf) ?? new Uint8Array(), { index, size: treeSize, root: signed.root, proof: hashes }, nodeLedgerHash)).toBe(true);
      return signed;
    };
    for (const id of [ids[0], ids[299]]) {
      const proof = await json<Proof>(`/api/v1/ledger/events/${id}/proof`);
      check(proof);
      expect(await json(`/api/v1/ledger/${proof.topic}/${proof.partition}/offsets/${proof.offset}/proof`)).toEqual(proof);
      const bundle = await get(`/api/v1/ledger/${proof.topic}/${proof.partition}/records/${Math.floor(proof.index / 256)}`);
      expect(bundle.headers.get('x-first-leaf')).toBe(String(Math.floor(proof.index / 256) * 256));
      const record = [...decodeBundle(new Uint8Array(await bundle.arrayBuffer()))][proof.index % 256];
      expect(record?.offset).toBe(BigInt(proof.offset));
      expect(Buffer.from(leafHash(record?.leafInput.subarray(1) ?? new Uint8Array(), nodeLedgerHash)).toString('base64')).toBe(proof.leafHash);
      expect(parseRecordBytes(record?.leafInput.subarray(1) ?? new Uint8Array()).headers['ce_id']).toBe(id);
    }
    expect((await get('/api/v1/ledger/events/e-none/proof')).status).toBe(404);
    expect((await get('/api/v1/ledger/content/0/offsets/999999/proof')).status).toBe(404);
    expect((await get('/api/v1/ledger/content/0/records/99')).status).toBe(404);
  });

  test('is cosigned by the edges, and their keys are remembered', async () => {
    const store = world.engines.ledger;
    const errors: string[] = [];
    const logger = pino({ level: 'warn' }, { write: (line: string) => errors.push(line) });
    const edges = [{ edgeId: 'gone', url: 'http://127.0.0.1:1' }];
    const rounds = new WitnessRounds({ store, edges: async () => edges, namesakes: async () => [], logger, now: Date.now });
    const tree = (await store.progress()).find(({ topic, size }) => topic === 'content' && size > 0);
    const first = await store.checkpoint({ topic: 'content', partition: tree?.partition ?? -1 });
    rounds.offer(first === undefined ? [] : [first]);
    await rounds.stop();
    // An edge that comes later gets what it has missed.
    edges.push({ edgeId: 'edge-1', url: `http://127.0.0.1:${edge.port}` });
    rounds.offer([]);
    await rounds.stop();
    const body = JSON.stringify({
      specversion: '1.0',
      id: 'e-more',
      source: '/cms',
      type: 'content.published',
      data: { contentId: 'one', url: 'https://origin.example/more', contentType: 'video/mp4' },
    });
    await fetch(`${gateway.url}/api/v1/events`, { method: 'POST', headers: { ...headers, 'content-type': 'application/cloudevents+json' }, body });
    // A projector that was restarted does not know where the witness stands.
    const again = new WitnessRounds({ store, edges: async () => edges, namesakes: async () => [], logger, now: Date.now });
    again.offer((await keepLedger({ ...world.engines, store })).filter(({ topic }) => topic === 'content'));
    await again.stop();
    const { witnesses } = await json<{ witnesses: Array<{ edgeId: string; verifierKey: string }> }>('/api/v1/ledger');
    expect(witnesses.map(({ edgeId }) => edgeId)).toEqual(['edge-1']);
    const witness = parseVerifierKey(witnesses[0]?.verifierKey ?? '', nodeLedgerHash);
    const { items } = await json<{ items: Array<{ records: number; checkpoint: string }> }>(`/api/v1/ledger/content/${tree?.partition}/checkpoints`);
    expect(items.map(({ records }) => records)).toEqual([301, 300]);
    for (const { checkpoint } of items) expect(signedBy(parseCheckpoint(checkpoint).note, [witness], verifyEd25519).right).toEqual([witness]);
    expect(errors).toEqual([]);
    // A ledger that was set back does not get past the witness.
    const back = new WitnessRounds({ store, edges: async () => edges, namesakes: async () => [], logger, now: Date.now });
    back.offer(first === undefined ? [] : [first]);
    await back.stop();
    expect(errors.map((line) => JSON.parse(line).msg)).toEqual([expect.stringContaining('it has seen 301 records, now there are 300')]);
  });

  test('takes the key of its own edge where it had met that of another region under the same name', async () => {
    const store = world.engines.ledger;
    const witnesses = await Promise.all([1, 2].map((byte) => startWitness('edge-9', byte)));
    const [own, other] = witnesses as [ScriptedWitness, ScriptedWitness];
    const tree = (await store.progress()).find(({ topic, size }) => topic === 'content' && size > 0);
    const checkpoint = await store.checkpoint({ topic: 'content', partition: tree?.partition ?? -1 });
    await store.meet({ edgeId: 'edge-9', verifierKey: other.key });
    const told: string[] = [];
    const logger = pino({ level: 'warn' }, { write: (line: string) => told.push((JSON.parse(line) as { msg: string }).msg) });
    const known = async (): Promise<string | undefined> => (await store.witnesses()).find(({ edgeId }) => edgeId === 'edge-9')?.verifierKey;
    const round = async (...namesakes: readonly string[]): Promise<void> => {
      const others = namesakes.map((url) => ({ edgeId: 'edge-9', url }));
      const edges = async () => [{ edgeId: 'edge-9', url: own.url }];
      const rounds = new WitnessRounds({ store, edges, namesakes: async () => others, logger, now: Date.now });
      rounds.offer(checkpoint === undefined ? [] : [checkpoint]);
      await rounds.stop();
    };
    await round('http://127.0.0.1:1', own.url);
    expect([await known(), told]).toEqual([other.key, [expect.stringContaining('has another key than before')]]);
    await round('http://127.0.0.1:1', other.url);
    expect([await known(), told.slice(1)]).toEqual([own.key, [expect.stringContaining("is that of another region's edge of that name")]]);
    for (const witness of witnesses) witness.close();
  });

  test('takes the key of the whole edge where it had met that of one of its processes, and none of another name', async () => {
    const store = world.engines.ledger;
    const witnesses = await Promise.all(['edge-8.1', 'edge-8'].map((name, byte) => startWitness(name, byte + 3)));
    const [ofProcess, ofEdge] = witnesses as [ScriptedWitness, ScriptedWitness];
    const tree = (await store.progress()).find(({ topic, size }) => topic === 'content' && size > 0);
    const checkpoint = await store.checkpoint({ topic: 'content', partition: tree?.partition ?? -1 });
    await store.meet({ edgeId: 'edge-8', verifierKey: ofProcess.key });
    const told: string[] = [];
    const logger = pino({ level: 'error' }, { write: (line: string) => told.push(line) });
    const known = async (): Promise<string | undefined> => (await store.witnesses()).find(({ edgeId }) => edgeId === 'edge-8')?.verifierKey;
    for (const url of [ofEdge.url, ofProcess.url]) {
      const rounds = new WitnessRounds({ store, edges: async () => [{ edgeId: 'edge-8', url }], namesakes: async () => [], logger, now: Date.now });
      rounds.offer(checkpoint === undefined ? [] : [checkpoint]);
      await rounds.stop();
      expect([await known(), told]).toEqual([ofEdge.key, []]);
    }
    for (const witness of witnesses) witness.close();
  });

  test('an altered record has no proof', async () => {
    const { topic, partition, offset } = await json<{ topic: string; partition: number; offset: string }>(`/api/v1/ledger/events/${ids[7]}/proof`);
    const log = world.engines.sealedLog.hot;
    const read = log.read.bind(log);
    log.read = async (...args) => {
      const batch = await read(...args);
      return {
        ...batch,
        records: batch.records.map((record) => (record.offset === BigInt(offset) ? { ...record, value: record.value.replace('7', '8') } : record)),
      };
    };
    const answer = await get(`/api/v1/ledger/${topic}/${partition}/offsets/${offset}/proof`);
    log.read = read;
    expect([answer.status, ((await answer.json()) as { type: string }).type]).toEqual([409, expect.stringContaining('record-altered')]);
  });
});

interface ScriptedWitness {
  readonly url: string;
  readonly key: string;
  close(): void;
}

/** Says its key, and signs nothing. */
async function startWitness(edgeId: string, byte: number): Promise<ScriptedWitness> {
  const { publicKey } = new Ed25519Signer(new Uint8Array(32).fill(byte));
  const key = formatVerifierKey(verifierKey(`edge/${edgeId}`, signatureTypes.cosignature, publicKey, nodeLedgerHash));
  const server = createServer((request, response) => response.writeHead(request.method === 'GET' ? 200 : 503).end(`${key}\n`));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, key, close: () => void server.close() };
}
