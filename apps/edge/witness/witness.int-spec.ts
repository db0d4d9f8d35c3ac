import { hash } from 'node:crypto';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Ed25519Signer, LedgerSigners, nodeLedgerHash, verifyEd25519 } from '#adapters/ledger';
import {
  consistencyRanges,
  cosignedAt,
  formatAddCheckpoint,
  LedgerTree,
  parseCheckpoint,
  parseSignature,
  parseVerifierKey,
  rootsOf,
  signedBy,
  type FilledTile,
} from '#core/ledger';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { EdgeProcess, ScriptedOrigin, temporaryFolder, type EdgeRuntime } from '../edge.fixture.ts';

const at = { topic: 'stream', partition: 3 };
const origin3 = 'ledger.example/stream/3';

/** A tree of n leaves, which tells one history from another by `flavour`. */
function treeOf(n: number, flavour = 0): LedgerTree {
  const tree = new LedgerTree(nodeLedgerHash);
  for (let leaf = 0; leaf < n; leaf++) tree.appendHash(new Uint8Array(32).fill(leaf < 5 ? leaf : leaf + flavour));
  return tree;
}

function requestOf(signers: LedgerSigners, oldSize: number, n: number, flavour = 0): string {
  const tree = treeOf(n, flavour);
  const tiles = new Map(tree.takeChanged().map((tile: FilledTile) => [`${tile.level}/${tile.index}`, tile.hashes]));
  const proof = rootsOf(consistencyRanges(oldSize, n), ({ level, index }) => tiles.get(`${level}/${index}`), nodeLedgerHash) ?? [];
  return formatAddCheckpoint(oldSize, proof, signers.sign(at, { size: n, root: tree.root() }));
}

describe.each<EdgeRuntime>(['bun', 'node'])('the witness of an edge, served by %s', (runtime) => {
  const keys = [1, 2].map((byte) => new Ed25519Signer(new Uint8Array(32).fill(byte)));
  const first = new LedgerSigners('ledger.example', keys.slice(0, 1));
  const both = new LedgerSigners('ledger.example', keys);
  const stranger = new LedgerSigners('ledger.example', [new Ed25519Signer(new Uint8Array(32).fill(9))]);
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let origin: ScriptedOrigin;
  let edge: EdgeProcess;

  const ask = async (path: string, body?: string): Promise<{ status: number; type: string | null; text: string }> => {
    const response = await fetch(`http://127.0.0.1:${edge.port}/ledger/witness/v1/${path}`, body === undefined ? {} : { method: 'POST', body });
    return { status: response.status, type: response.headers.get('content-type'), text: await response.text() };
  };
  const add = (body: string) => ask('add-checkpoint', body);
  const start = async (): Promise<EdgeProcess> => EdgeProcess.start({ runtime, dataDir: folder.path, originUrl: origin.url });

  beforeAll(async () => {
    folder = await temporaryFolder();
    origin = await ScriptedOrigin.start();
    origin.says('/ledger/v1/keys', '200 OK', first.keyList());
    edge = await start();
  }, 30_000);

  afterAll(async () => {
    await edge.kill('SIGTERM');
    await origin.close();
    await folder.remove();
  });

  test('cosigns what grows, knows where it stands, and refuses another history', async () => {
    const key = parseVerifierKey((await ask('key')).text.trim(), nodeLedgerHash);
    expect(await add(requestOf(first, 0, 6).replaceAll('ledger.example', 'other.example'))).toMatchObject({ status: 404 });
    const cosigned = await add(requestOf(first, 0, 6));
    expect(cosigned.status).toBe(200);
    const signature = parseSignature(cosigned.text.trim());
    const { text } = parseCheckpoint(first.sign(at, { size: 6, root: treeOf(6).root() })).note;
    expect(signedBy({ text, signatures: [signature] }, [key], verifyEd25519).right).toEqual([key]);
    expect(Math.abs((cosignedAt(signature) ?? 0) - Date.now() / 1000)).toBeLessThan(3600);

    expect(await add(requestOf(first, 0, 9))).toEqual({ status: 409, type: 'text/x.tlog.size', text: '6\n' });
    expect(await add(requestOf(first, 6, 9, 1))).toMatchObject({ status: 422 });
    expect(await add(requestOf(first, 6, 6, 1))).toMatchObject({ status: 422 });
    expect(await add(requestOf(stranger, 6, 9))).toMatchObject({ status: 403 });
    expect(await add('nonsense')).toMatchObject({ status: 400 });
    expect(await add('x'.repeat(100_000))).toMatchObject({ status: 413 });
    expect(await ask('add-checkpoint')).toMatchObject({ status: 405 });
    expect(await ask('nothing')).toMatchObject({ status: 404 });
    expect((await add(requestOf(first, 6, 9))).status).toBe(200);
    const seen = parseCheckpoint((await ask(`${hash('sha256', origin3, 'hex')}/checkpoint`)).text);
    expect([seen.origin, seen.size, seen.note.signatures.length]).toEqual([origin3, 9, 2]);
    expect(await ask(`${hash('sha256', 'other', 'hex')}/checkpoint`)).toMatchObject({ status: 404 });
  });

  test('of two histories that are shown at once, one is cosigned', async () => {
    const answers = await Promise.all([add(requestOf(first, 9, 20)), add(requestOf(first, 9, 21))]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
  });

  test('remembers over a crash, under the same key', async () => {
    const [key, before] = [await ask('key'), await add(requestOf(first, 0, 1))];
    await edge.kill('SIGKILL');
    edge = await start();
    expect(await ask('key')).toEqual(key);
    expect(await add(requestOf(first, 0, 1))).toEqual(before);
    const seed = join(folder.path, 'edge', 'edge-1', 'witness', 'seed');
    expect((await stat(seed)).mode & 0o777).toBe(0o600);
  });

  test('follows the ledger to its next key, but not to a stranger’s', async () => {
    const at21 = Number((await add(requestOf(first, 0, 1))).text);
    origin.says('/ledger/v1/keys', '200 OK', stranger.keyList());
    expect((await add(requestOf(stranger, at21, 30))).status).toBe(403);
    await edge.kill('SIGTERM');
    edge = await start();
    origin.says('/ledger/v1/keys', '200 OK', both.keyList());
    const last = new LedgerSigners('ledger.example', keys.slice(1));
    expect((await add(requestOf(last, at21, 30))).status).toBe(200);
  });

  test('with damaged files the edge serves, and no witness', async () => {
    await edge.kill('SIGTERM');
    const seen = join(folder.path, 'edge', 'edge-1', 'witness', 'seen.json');
    const text = await readFile(seen, 'utf8');
    await writeFile(seen, text.slice(0, -20));
    edge = await start();
    expect(await ask('key')).toMatchObject({ status: 503 });
    origin.says('/hello', '200 OK', 'hello');
    expect(await (await fetch(`http://127.0.0.1:${edge.port}/hello`)).text()).toBe('hello');
  });
});
