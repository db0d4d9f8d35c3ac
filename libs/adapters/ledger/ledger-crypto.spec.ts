import { createHash, randomBytes } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import {
  cosign,
  formatNote,
  formatVerifierKey,
  inclusionRanges,
  leafHash,
  LedgerTree,
  parseCheckpoint,
  rootsOf,
  signatureTypes,
  verifierKey,
} from '#core/ledger';
import {
  audit,
  Ed25519Signer,
  LedgerSigners,
  nodeLedgerHash,
  proofFlaw,
  verifyEd25519,
  witnessedOf,
  type Bundle,
  type ClaimedProof,
  type TreeSource,
} from './index.ts';

const hex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'));

describe('the hash of the ledger', () => {
  test.each([0, 1, 65, 1000])('is SHA-256 of %d bytes, written where it is wanted', (length) => {
    const input = new Uint8Array(randomBytes(length));
    const out = new Uint8Array(96);
    nodeLedgerHash.bytes(input, out, 32);
    expect(Buffer.from(out)).toEqual(Buffer.concat([Buffer.alloc(32), createHash('sha256').update(input).digest(), Buffer.alloc(32)]));
  });

  test.each(['', '\0abc', 'Größe', '🎬', 'half \ud83c'])('is that of the UTF-8 of %j', (text) => {
    const out = new Uint8Array(32);
    nodeLedgerHash.text(text, out, 0);
    expect(Buffer.from(out)).toEqual(createHash('sha256').update(Buffer.from(text)).digest());
    expect(nodeLedgerHash.utf8Length(text)).toBe(new TextEncoder().encode(text).length);
  });
});

describe('Ed25519', () => {
  test.each([
    // RFC 8032 section 7.1, tests 1 and 2.
    [
      '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60',
      'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
      '',
      'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
    ],
    [
      '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb',
      '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
      '72',
      '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
    ],
  ])('signs as the vectors of its RFC', (seed, publicKey, message, signature) => {
    const signer = new Ed25519Signer(hex(seed));
    expect(signer.publicKey).toEqual(hex(publicKey));
    expect(signer.sign(hex(message))).toEqual(hex(signature));
    expect(verifyEd25519(signer.publicKey, hex(message), hex(signature))).toBe(true);
    expect(verifyEd25519(signer.publicKey, hex('00'), hex(signature))).toBe(false);
  });

  test('does not verify what is malformed', () => {
    expect(verifyEd25519(new Uint8Array(31), new Uint8Array(), new Uint8Array(64))).toBe(false);
    expect(verifyEd25519(new Uint8Array(32).fill(255), new Uint8Array(), new Uint8Array(64))).toBe(false);
    expect(verifyEd25519(new Uint8Array(32), new Uint8Array(), new Uint8Array(3))).toBe(false);
  });
});

describe('an export', () => {
  const signers = new LedgerSigners('log.example', [new Ed25519Signer(new Uint8Array(32).fill(1))]);
  const hourMs = 3_600_000;

  test('is known for an hour to those who have the keys, and cannot be made up', () => {
    const now = 1_790_000_000_123;
    const id = signers.beginExport(now);
    expect(id).toMatch(/^[0-9a-f]{32}$/);
    expect(signers.beginExport(now)).not.toBe(id);
    expect([now - 2000, now, now + hourMs - 2000].map((at) => signers.isExport(id, at))).toEqual([true, true, true]);
    expect(signers.isExport(id, now + hourMs + 1000)).toBe(false);
    const later = (Math.floor(now / 1000) + 9).toString(16) + id.slice(8);
    expect([later, '0'.repeat(32), ''].map((made) => signers.isExport(made, now))).toEqual([false, false, false]);
    const rotated = new LedgerSigners('log.example', [new Ed25519Signer(new Uint8Array(32).fill(1)), new Ed25519Signer(new Uint8Array(32).fill(2))]);
    expect(rotated.isExport(id, now)).toBe(true);
    expect(new LedgerSigners('log.example', [new Ed25519Signer(new Uint8Array(32).fill(2))]).isExport(id, now)).toBe(false);
  });

  const leaf = leafHash(new Uint8Array([7]), nodeLedgerHash);
  const [older, newer] = ['0'.repeat(32), '1'.repeat(32)] as const;
  const treeOf = (partition: number, exportId: string): TreeSource => {
    const at = { topic: 'stream', partition };
    const holding = signers.signHolding(at, { size: 1, held: undefined, exportId });
    const checkpoints = [signers.sign(at, { size: 1, root: leaf })];
    return { ...at, checkpoints, seen: [], tile: () => leaf, records: undefined, copy: { holding, files: [], read: async () => undefined } };
  };
  const listOf = (partitions: readonly number[], exportId?: string): string =>
    signers.signTrees(
      partitions.map((partition) => ({ tree: `stream/${partition}`, size: 1, root: leaf })),
      exportId,
    );
  const findings = async (treeList: string, trees: readonly TreeSource[]): Promise<readonly string[]> => {
    const bundle: Bundle = { keyList: signers.keyList(), treeList, witnessKeys: [], trees, exported: true };
    const report = await audit(bundle, { keys: [], witnessKeys: [], cosignersMin: 0 });
    return [...report.findings, ...report.trees.flatMap((tree) => tree.findings)].map(({ kind, message }) => `${kind} ${message}`);
  };

  test('is whole when list and trees are of it', async () => {
    expect(await findings(listOf([1, 2], newer), [treeOf(1, newer), treeOf(2, newer)])).toEqual([]);
  });

  test('does not hide a tree behind the list of another export, or of none', async () => {
    expect(await findings(listOf([1], older), [treeOf(1, newer)])).toEqual([expect.stringMatching(/^tree-missing .*another export than the trees/)]);
    expect(await findings(listOf([1]), [treeOf(1, newer)])).toEqual([expect.stringMatching(/^tree-missing .*that of no export/)]);
    expect(await findings(listOf([1, 2], newer), [treeOf(1, newer), treeOf(2, older)])).toEqual([expect.stringMatching(/^holding-foreign stream\/2/)]);
    // Nor where records of a log stand in the place of the bundle's.
    const { copy, ...tree } = treeOf(1, newer);
    expect(await findings(listOf([1], older), [{ ...tree, exportedAs: copy?.holding }])).toHaveLength(1);
    expect(await findings(listOf([1], older), [tree])).toHaveLength(1);
    const edited = copy?.holding?.replace(newer, older);
    expect(await findings(listOf([1], older), [{ ...tree, exportedAs: edited }])).toHaveLength(1);
  });

  test('has no tree that began or grew after it had begun, although the ledger has signed that for it', async () => {
    expect(await findings(listOf([1], newer), [treeOf(1, newer), treeOf(2, newer)])).toEqual([
      'holding-foreign stream/2: it has 1 records, and the list of the trees does not have it: it is of another moment than that at which the export began',
    ]);
    const two = new LedgerTree(nodeLedgerHash);
    for (let n = 0; n < 2; n++) two.appendHash(leaf);
    const tiles = new Map(two.takeChanged().map((tile) => [`${tile.level}/${tile.index}`, tile.hashes]));
    const at = { topic: 'stream', partition: 1 };
    const holding = signers.signHolding(at, { size: 2, held: undefined, exportId: newer });
    const grown: TreeSource = {
      ...treeOf(1, newer),
      ...{ checkpoints: [signers.sign(at, { size: 2, root: two.root() })], tile: ({ level, index }) => tiles.get(`${level}/${index}`) },
      copy: { holding, files: [], read: async () => undefined },
    };
    expect(await findings(listOf([1], newer), [grown])).toEqual([expect.stringMatching(/^holding-foreign stream\/1: it has 2 records, .* has 1 of it/)]);
  });
});

describe('what of witnesses a bundle was made with', () => {
  const signers = new LedgerSigners('log.example', [new Ed25519Signer(new Uint8Array(32).fill(1))]);
  const leaf = leafHash(new Uint8Array([7]), nodeLedgerHash);
  const [at, exportId] = [{ topic: 'stream', partition: 1 }, '1'.repeat(32)];
  const witness = new Ed25519Signer(new Uint8Array(32).fill(9));
  const key = verifierKey('edge-1', signatureTypes.cosignature, witness.publicKey, nodeLedgerHash);
  const plain = signers.sign(at, { size: 1, root: leaf });
  const { note } = parseCheckpoint(plain);
  const cosigned = formatNote({ ...note, signatures: [...note.signatures, cosign(note.text, 1_790_000_000, key, witness)] });
  const seen = [{ by: 'edge-1', note: cosigned }];
  const whole = { checkpoints: [cosigned], seen };
  const findings = async (bundle: Pick<Bundle, 'witnessKeys'>, tree: Pick<TreeSource, 'checkpoints' | 'seen'>, isSaid = true): Promise<readonly string[]> => {
    const witnessed = isSaid ? witnessedOf(whole, [key]) : undefined;
    const holding = signers.signHolding(at, { size: 1, held: undefined, exportId, witnessed });
    const trees = [{ ...at, ...tree, tile: () => leaf, records: undefined, copy: { holding, files: [], read: async () => undefined } }];
    const treeList = signers.signTrees([{ tree: 'stream/1', size: 1, root: leaf }], exportId);
    const report = await audit({ keyList: signers.keyList(), treeList, trees, exported: true, ...bundle }, { keys: [], witnessKeys: [], cosignersMin: 0 });
    return [...report.findings, ...report.trees.flatMap((one) => one.findings)].map(({ kind, message }) => `${kind} ${message}`);
  };
  const keys = { witnessKeys: [formatVerifierKey(key)] };
  const head = 'cosignatures-missing stream/1: the bundle was made with more of its witnesses than is here: ';

  test('is there', async () => {
    expect(witnessedOf(whole, [key])).toEqual({ keys: 1, cosignatures: 1, seen: 1 });
    expect(await findings(keys, whole)).toEqual([]);
  });

  test.each([
    ['their keys', { witnessKeys: [] }, whole, '0 of 1 keys of witnesses ("witness-keys"), 0 of 1 cosignatures of its checkpoints'],
    ['their signatures', keys, { ...whole, checkpoints: [plain] }, '0 of 1 cosignatures of its checkpoints'],
    ['what they kept', keys, { ...whole, seen: [] }, '0 of 1 checkpoints that witnesses kept ("seen")'],
  ])('is missed when somebody takes away %s', async (_what, bundle, tree, lost) => {
    expect(await findings(bundle, tree)).toEqual([head + lost]);
    // Nobody can tell where nobody has said it.
    expect(await findings(bundle, tree, false)).toEqual([]);
  });
});

describe('the proof of a record', () => {
  const signers = new LedgerSigners('log.example', [new Ed25519Signer(new Uint8Array(32).fill(1))]);
  const tree = new LedgerTree(nodeLedgerHash);
  const leaves = Array.from({ length: 7 }, (_, n) => leafHash(new Uint8Array([n]), nodeLedgerHash));
  for (const one of leaves) tree.appendHash(one);
  const tiles = new Map(tree.takeChanged().map((tile) => [`${tile.level}/${tile.index}`, tile.hashes]));
  const at = { topic: 'stream', partition: 3 };
  const checkpoint = signers.sign(at, { size: 7, root: tree.root() });
  const proof = rootsOf(inclusionRanges(5, 7), ({ level, index }) => tiles.get(`${level}/${index}`), nodeLedgerHash) ?? [];
  const right: ClaimedProof = { ...at, index: 5, size: 7, leafHash: leaves[5] as Uint8Array, proof, checkpoint };
  const flaw = (claim: Partial<ClaimedProof>): string | undefined => proofFlaw({ ...right, ...claim }, { keyList: signers.keyList(), keys: [] });

  test('holds for the record alone, and for the tree that was signed', () => {
    expect(flaw({})).toBeUndefined();
    expect(flaw({ leafHash: leaves[4] as Uint8Array })).toContain('do not lead');
    expect(flaw({ proof: proof.toReversed() })).toContain('do not lead');
    expect(flaw({ index: 4 })).toContain('do not lead');
    expect(flaw({ partition: 4 })).toContain('another tree');
    expect(flaw({ size: 8 })).toContain('another tree or size');
    const stranger = new LedgerSigners('log.example', [new Ed25519Signer(new Uint8Array(32).fill(2))]);
    expect(flaw({ checkpoint: stranger.sign(at, { size: 7, root: tree.root() }) })).toContain('not signed');
    expect(() => proofFlaw(right, { keyList: stranger.keyList(), keys: [/log\.example\+\S+/.exec(signers.keyList())?.[0] ?? ''] })).toThrow('other keys');
  });
});
