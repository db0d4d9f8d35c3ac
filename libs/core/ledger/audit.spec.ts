import { describe, expect, test } from '@jest/globals';
import {
  auditTiles,
  checkpointText,
  consistencyRanges,
  emptyRoot,
  formatNote,
  judgeCheckpoint,
  LedgerTree,
  parseCheckpoint,
  RecordAudit,
  rootsOf,
  signatureTypes,
  signText,
  verifierKey,
  wasAt,
  type FilledTile,
  type Proof,
  type TreeHead,
} from './index.ts';
import { leavesOf, plainHash, signerOf, verifyPlain } from './ledger.fixture.ts';

function tilesOfLeaves(leaves: readonly Uint8Array[]): { readonly tree: LedgerTree; readonly tiles: Map<string, FilledTile> } {
  const tree = new LedgerTree(plainHash);
  for (const leaf of leaves) tree.appendHash(leaf);
  return { tree, tiles: new Map(tree.takeChanged().map((tile) => [`${tile.level}/${tile.index}`, tile])) };
}

const leaves = leavesOf(700);
const { tree, tiles } = tilesOfLeaves(leaves);
const source = (from: ReadonlyMap<string, FilledTile>) => (at: { level: number; index: number }) => from.get(`${at.level}/${at.index}`)?.hashes;

describe('the audit of tiles', () => {
  const early = tilesOfLeaves(leaves.slice(0, 300)).tree.root();

  test('finds whole tiles whole, and the heads that the tree has been at', () => {
    const audit = auditTiles(700, [0, 300, 700], source(tiles), plainHash);
    expect(audit.broken).toEqual([]);
    expect(wasAt(audit, { size: 700, root: tree.root() })).toBe(true);
    expect(wasAt(audit, { size: 300, root: early })).toBe(true);
    expect(wasAt(audit, { size: 0, root: emptyRoot(plainHash) })).toBe(true);
    expect(wasAt(audit, { size: 700, root: early })).toBe(false);
    expect(wasAt(audit, { size: 701, root: tree.root() })).toBe(false);
  });

  test.each([
    ['0/1', 'tile/1/000.p/2'],
    ['1/0', 'tile/1/000.p/2'],
  ])('finds a changed tile %s by the tiles above', (name, broken) => {
    const tile = tiles.get(name) as FilledTile;
    const hashes = tile.hashes.slice();
    (hashes as Uint8Array)[40] = 1;
    const audit = auditTiles(700, [700], source(new Map([...tiles, [name, { ...tile, hashes }]])), plainHash);
    expect(audit.broken).toEqual([broken]);
  });

  test.each(['0/2', '0/0'])('says which tile %s is missing or short', (name) => {
    const without = new Map([...tiles].filter(([one]) => one !== name));
    expect(auditTiles(700, [700], source(without), plainHash)).toMatchObject({ broken: [name === '0/2' ? 'tile/0/002.p/188' : 'tile/0/000'] });
    const tile = tiles.get(name) as FilledTile;
    const short = new Map([...tiles, [name, { ...tile, hashes: tile.hashes.subarray(32) }]] as const);
    expect(auditTiles(700, [700], source(short), plainHash).roots.size).toBe(0);
  });
});

describe('the audit of records', () => {
  const audit = (records: readonly Uint8Array[]): unknown => {
    const records_ = new RecordAudit(700, source(tiles));
    for (const record of records) {
      records_.push(record);
      if (records_.isOver) break;
    }
    return records_.finish();
  };
  const stranger = leavesOf(800)[799] as Uint8Array;
  const at = (index: number): Uint8Array => leaves[index] as Uint8Array;

  test('is content with what was signed, and with newer records behind it', () => {
    expect(audit(leaves)).toBeUndefined();
    expect(audit([...leaves, stranger])).toBeUndefined();
  });

  test.each([
    ['altered', 300, leaves.with(300, stranger)],
    ['altered', 699, leaves.with(699, stranger)],
    ['altered', 0, leavesOf(1600).slice(800)],
    ['dropped', 300, leaves.toSpliced(300, 1)],
    ['dropped', 0, leaves.toSpliced(0, 5)],
    ['inserted', 300, leaves.toSpliced(300, 0, stranger)],
    ['duplicated', 301, leaves.toSpliced(301, 0, at(300))],
    ['duplicated', 310, leaves.toSpliced(310, 0, at(300))],
    ['reordered', 300, leaves.with(300, at(301)).with(301, at(300))],
    ['truncated', 699, leaves.slice(0, 699)],
    ['truncated', 0, []],
  ] as const)('names what is %s at %d', (kind, index, records) => {
    expect(audit(records)).toEqual({ kind, index });
  });
});

describe('a witness', () => {
  const log = signerOf(new Uint8Array(32).fill(1));
  const key = verifierKey('example.com/log', signatureTypes.ed25519, log.publicKey, plainHash);
  const other = verifierKey('example.com/log', signatureTypes.ed25519, signerOf(new Uint8Array(32).fill(9)).publicKey, plainHash);
  const headAt = (size: number): TreeHead => ({ size, root: tilesOfLeaves(leaves.slice(0, size)).tree.root() });
  const signed = (head: TreeHead) => {
    const text = checkpointText({ origin: 'example.com/log', ...head });
    return parseCheckpoint(formatNote({ text, signatures: [signText(text, key, log)] }));
  };
  const judge = (ask: { oldSize: number; head: TreeHead; proof?: Proof; keys?: (typeof key)[]; last?: TreeHead }) => {
    const { oldSize, head, keys = [key], last } = ask;
    const proof = ask.proof ?? rootsOf(consistencyRanges(oldSize, head.size), source(tiles), plainHash) ?? [];
    return judgeCheckpoint({ oldSize, proof, checkpoint: signed(head) }, { keys, last }, plainHash, verifyPlain);
  };

  test('cosigns what grew from what it knows', () => {
    expect(judge({ oldSize: 0, head: headAt(300) })).toEqual({ status: 200 });
    expect(judge({ oldSize: 300, head: headAt(700), last: headAt(300) })).toEqual({ status: 200 });
    expect(judge({ oldSize: 300, head: headAt(300), last: headAt(300) })).toEqual({ status: 200 });
    expect(judge({ oldSize: 0, head: headAt(0) })).toEqual({ status: 200 });
  });

  test('refuses forks, guesses and strangers, each in the way of the specification', () => {
    const forked = { size: 300, root: headAt(299).root };
    expect(judge({ oldSize: 300, head: headAt(700), last: forked })).toEqual({ status: 422 });
    expect(judge({ oldSize: 300, head: forked, last: headAt(300) })).toEqual({ status: 422 });
    expect(judge({ oldSize: 0, head: { size: 0, root: headAt(1).root } })).toEqual({ status: 422 });
    expect(judge({ oldSize: 0, head: headAt(3), proof: [headAt(1).root] })).toEqual({ status: 422 });
    expect(judge({ oldSize: 200, head: headAt(700), last: headAt(300) })).toEqual({ status: 409, size: 300 });
    expect(judge({ oldSize: 200, head: headAt(250), last: headAt(300) })).toEqual({ status: 409, size: 300 });
    expect(judge({ oldSize: 300, head: headAt(200), last: headAt(300) })).toEqual({ status: 400 });
    expect(judge({ oldSize: 0, head: headAt(3), keys: [] })).toEqual({ status: 404 });
    expect(judge({ oldSize: 0, head: headAt(3), keys: [other] })).toEqual({ status: 403 });
    const impostor = { ...other, id: key.id };
    expect(judge({ oldSize: 0, head: headAt(3), keys: [key, impostor] })).toEqual({ status: 403 });
  });
});
