import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  checkpointText,
  cosign,
  cosignedAt,
  cutBundle,
  decodeBundle,
  encodeBundle,
  formatAddCheckpoint,
  formatKeyList,
  formatNote,
  formatVerifierKey,
  hashRecord,
  holdingText,
  idPrint,
  idTimeMs,
  originKeys,
  parseAddCheckpoint,
  parseCheckpoint,
  parseHolding,
  parseNote,
  parseTreeList,
  parseRecordBytes,
  parseVerifierKey,
  printedAt,
  readKeyList,
  recordText,
  signatureTypes,
  signedBy,
  signText,
  treeListText,
  verifierKey,
  type VerifierKey,
} from './index.ts';
import { hex, plainHash, signerOf, verifyPlain } from './ledger.fixture.ts';

const invalid = expect.objectContaining({ code: 'LEDGER_INVALID' });

describe('signed notes', () => {
  // golang.org/x/mod/sumdb/note, the example of its documentation.
  const neumann = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW';
  const neumannNote =
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n" +
    '— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n';
  // C2SP signed-note.
  const foo = 'example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k';
  const fooNote =
    'This is an example message.\n\n— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n';

  test.each([
    [neumann, neumannNote],
    [foo, fooNote],
  ])('of others are read and verified (%s)', (text, note) => {
    const key = parseVerifierKey(text, plainHash);
    expect(formatVerifierKey(key)).toBe(text);
    const parsed = parseNote(note);
    expect(formatNote(parsed)).toBe(note);
    expect(signedBy(parsed, [key], verifyPlain)).toEqual({ right: [key], wrong: [] });
    expect(signedBy({ ...parsed, text: `${parsed.text} ` }, [key], verifyPlain)).toEqual({ right: [], wrong: [key] });
  });

  test('are signed as their peers sign them', () => {
    // The secret key of the same documentation: PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz
    const signer = signerOf(Buffer.from('AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz', 'base64').subarray(1));
    const key = verifierKey('PeterNeumann', signatureTypes.ed25519, signer.publicKey, plainHash);
    expect(formatVerifierKey(key)).toBe(neumann);
    const { text } = parseNote(neumannNote);
    expect(formatNote({ text, signatures: [signText(text, key, signer)] })).toBe(neumannNote);
  });

  test('of unknown keys say nothing, not even under a known name', () => {
    const key = parseVerifierKey(foo, plainHash);
    const other = parseVerifierKey(neumann, plainHash);
    expect(signedBy(parseNote(neumannNote), [key], verifyPlain)).toEqual({ right: [], wrong: [] });
    const renamed = { ...parseNote(fooNote), signatures: [{ name: key.name, keyId: other.id, signature: new Uint8Array(64) }] };
    expect(signedBy(renamed, [key], verifyPlain)).toEqual({ right: [], wrong: [] });
  });

  test.each([
    '',
    'text\n',
    'text\n\n',
    'text\n\n— a\n',
    'text\n\n- a AAAAAAAA\n',
    'text\n\n— a AAAA\n',
    'text\n\n— a AAAAAAB=\n',
    'text\n\n— a+b AAAAAAAA\n',
    'te\txt\n\n— a AAAAAAAA\n',
    `${'x'.repeat(70_000)}\n\n— a AAAAAAAA\n`,
    `text\n\n${'— a AAAAAAAA\n'.repeat(65)}`,
  ])('that are none are refused (%#)', (text) => {
    expect(() => parseNote(text)).toThrow(invalid);
  });

  test.each(['', 'a+00000000+AQ==', foo.replace('530d', '530e'), foo.replace('AekyeR', 'BekyeR'), foo.replace('AekyeR', 'AukyeR'), foo.slice(0, -1)])(
    'need a whole key, not %j',
    (text) => {
      expect(() => parseVerifierKey(text, plainHash)).toThrow(invalid);
    },
  );

  test('cannot be signed under a name with a space or a plus', () => {
    for (const name of ['', 'a b', 'a+b', 'a\nb']) expect(() => verifierKey(name, 1, new Uint8Array(32), plainHash)).toThrow(invalid);
  });
});

describe('checkpoints', () => {
  const root = new Uint8Array(32).fill(7);
  const log = signerOf(new Uint8Array(32).fill(1));
  const witness = signerOf(new Uint8Array(32).fill(2));
  const logKey = verifierKey('example.com/log', signatureTypes.ed25519, log.publicKey, plainHash);
  const witnessKey = verifierKey('example.com/w1', signatureTypes.cosignature, witness.publicKey, plainHash);
  const text = checkpointText({ origin: 'example.com/log', size: 42, root });

  test('are signed, cosigned and read back', () => {
    const note = formatNote({ text, signatures: [signText(text, logKey, log), cosign(text, 1_790_000_000, witnessKey, witness)] });
    const read = parseCheckpoint(note);
    expect(read).toMatchObject({ origin: 'example.com/log', size: 42, root });
    expect(signedBy(read.note, [logKey, witnessKey], verifyPlain).right).toEqual([logKey, witnessKey]);
    expect(cosignedAt(read.note.signatures[1] as never)).toBe(1_790_000_000);
  });

  test('a cosignature vouches for its time, under a key id of its own', () => {
    expect(witnessKey.id).not.toBe(verifierKey('example.com/w1', signatureTypes.ed25519, witness.publicKey, plainHash).id);
    const signature = cosign(text, 1_790_000_000, witnessKey, witness);
    const later = { ...signature, signature: signature.signature.slice() };
    (later.signature as Uint8Array)[7] = 1;
    expect(signedBy({ text, signatures: [later] }, [witnessKey], verifyPlain).wrong).toEqual([witnessKey]);
    // The log's own kind of signature by the same key is none of a witness.
    expect(signedBy({ text, signatures: [{ ...signText(text, witnessKey, witness) }] }, [witnessKey], verifyPlain).right).toEqual([]);
  });

  test.each([
    'a\n042\nBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=\n',
    'a\n-1\nBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=\n',
    'a\n99999999999999999\nBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=\n',
    'a\n9999999999999999\nBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=\n',
    '\n1\nBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=\n',
    'a\n1\nBwcH\n',
    'a\n1\n',
  ])('that are none are refused: %j', (wrong) => {
    expect(() => parseCheckpoint(`${wrong}\n— a AAAAAAAA\n`)).toThrow(invalid);
  });

  test('are handed to a witness with a proof', () => {
    const note = formatNote({ text, signatures: [signText(text, logKey, log)] });
    const body = formatAddCheckpoint(7, [root, new Uint8Array(32)], note);
    expect(body.startsWith('old 7\nBwcH')).toBe(true);
    expect(parseAddCheckpoint(body)).toEqual({ oldSize: 7, proof: [root, new Uint8Array(32)], checkpoint: parseCheckpoint(note) });
    expect(parseAddCheckpoint(formatAddCheckpoint(0, [], note)).proof).toEqual([]);
    for (const wrong of [
      '',
      body.replace('old 7', 'old 07'),
      body.replace('old', 'new'),
      body.replace('BwcH', 'Bw'),
      body.replace('\n\n', '\n'),
      formatAddCheckpoint(1, Array(64).fill(root), note),
    ])
      expect(() => parseAddCheckpoint(wrong)).toThrow(invalid);
  });
});

describe('the keys of a ledger', () => {
  const signers = [1, 2, 3].map((byte) => signerOf(new Uint8Array(32).fill(byte)));
  const keys = signers.map(({ publicKey }) => verifierKey('log.example', signatureTypes.ed25519, publicKey, plainHash));
  const stranger = verifierKey('log.example', signatureTypes.ed25519, signerOf(new Uint8Array(32).fill(9)).publicKey, plainHash);
  const list = formatKeyList('log.example', signers, plainHash);
  const read = (text: string, trusted: readonly VerifierKey[]): readonly VerifierKey[] => readKeyList(text, trusted, plainHash, verifyPlain);

  test('are learnt by whoever trusts one of them, or nobody yet', () => {
    expect(read(list, [])).toEqual(keys);
    for (const key of keys) expect(read(list, [key])).toEqual(keys);
    expect(() => read(list, [stranger])).toThrow(invalid);
  });

  test('are a whole list, signed by all', () => {
    const unsigned = formatNote({ ...parseNote(list), signatures: parseNote(list).signatures.slice(1) });
    const forged = formatKeyList('log.example', signers.slice(1), plainHash).replace(
      'log.example/keys\n',
      `log.example/keys\n${formatVerifierKey(keys[0] as VerifierKey)}\n`,
    );
    for (const wrong of [
      unsigned,
      forged,
      list.replace('/keys', '/kezs'),
      formatKeyList('other.example', signers, plainHash).replace('other.example/keys', 'log.example/keys'),
    ])
      expect(() => read(wrong, [])).toThrow(invalid);
  });

  test('sign the origins under their name', () => {
    expect(originKeys(keys, 'log.example/stream/3', plainHash).map(({ name }) => name)).toEqual(Array(3).fill('log.example/stream/3'));
    expect(originKeys(keys, 'log.example.org/stream/3', plainHash)).toEqual([]);
  });
});

describe('the list of trees', () => {
  const root = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);
  const trees = [
    { tree: 'stream/10', size: 3, root: root(3) },
    { tree: 'content/0', size: 300, root: root(1) },
    { tree: 'stream/2', size: 1, root: root(2) },
  ];
  const text = treeListText('log.example', trees);
  const signed = (of: string): string => formatNote({ text: of, signatures: [{ name: 'log.example/trees', keyId: 1, signature: root(4) }] });

  test('is one text for one state, and is read as it was written', () => {
    expect(treeListText('log.example', trees.toReversed())).toBe(text);
    const { origin, trees: read } = parseTreeList(signed(text));
    expect(origin).toBe('log.example/trees');
    expect(read.map(({ tree }) => tree)).toEqual(['content/0', 'stream/10', 'stream/2']);
    expect(read).toEqual(expect.arrayContaining(trees));
  });

  test('names the export that it belongs to, if any', () => {
    const exportId = '0123456789abcdef'.repeat(2);
    const exported = treeListText('log.example', trees, exportId);
    expect(exported).toBe(text.replace('\n', `\nexport ${exportId}\n`));
    expect(parseTreeList(signed(exported))).toMatchObject({ exportId, trees: [{ tree: 'content/0' }, { tree: 'stream/10' }, { tree: 'stream/2' }] });
    expect(parseTreeList(signed(text)).exportId).toBeUndefined();
    for (const wrong of [exported.replace('0123', '012'), exported.replace('export', 'Export'), exported.replace(/(export.*\n)/, '$1$1')])
      expect(() => parseTreeList(signed(wrong))).toThrow(invalid);
  });

  test.each([
    ['a tree twice', text.replace(/(stream\/2) 1 (.*\n)/, '$1 1 $2$1 2 $2')],
    ['another order', text.replace(/(content.*\n)(stream\/10.*\n)/, '$2$1')],
    ['no size', text.replace('content/0 300', 'content/0')],
    ['a size of nothing', text.replace('content/0 300', 'content/0 0')],
    ['a size beyond numbers', text.replace('content/0 300', 'content/0 9999999999999999')],
    ['a partition that is none', text.replace('content/0', 'content/00')],
    ['a root cut short', text.replace(/(content\/0 300 ).*/, '$1AQEB')],
    ['an empty line', text.replace('\ncontent', '\n\ncontent')],
  ])('with %s is none', (_what, wrong) => {
    expect(wrong).not.toBe(text);
    expect(() => parseTreeList(signed(wrong))).toThrow(invalid);
  });
});

test('the time in an id', () => {
  expect(idTimeMs('01926f4e-7d3a-7000-8000-000000000002')).toBe(0x01926f4e7d3a);
  for (const id of ['', 'order-17', '01926f4e-7d3a-4000-8000-000000000002', 'zzzzzzzz-7d3a-7000-8000-000000000002']) expect(idTimeMs(id)).toBe(0);
});

test('an id is found by its print', () => {
  const ids = Array.from({ length: 256 }, (_, n) => `event-${n}`);
  const prints = Uint8Array.from(ids.flatMap((id) => [idPrint(id) >>> 8, idPrint(id) & 0xff]));
  for (const [at, id] of ids.entries()) expect(printedAt(id, prints)).toContain(at);
  expect(ids.reduce((sum, id) => sum + printedAt(id, prints).length, 0)).toBeLessThan(ids.length + 8);
  expect(printedAt('event-0', new Uint8Array(0))).toEqual([]);
});

describe('what a bundle holds', () => {
  const head = { origin: 'ledger.example/stream/3', size: 300 };
  const signed = (text: string): string => formatNote({ text, signatures: [{ name: 'ledger.example', keyId: 7, signature: new Uint8Array(64) }] });
  const exportId = '0123456789abcdef'.repeat(2);
  const held = { firstLeaf: 17, firstOffset: 20n, lastOffset: 2n ** 40n };

  test.each([
    [held, '17 20 1099511627776'],
    [undefined, 'none'],
  ])('is said in four lines: %j', (records, line) => {
    const text = holdingText({ ...head, held: records, exportId });
    expect(text).toBe(`ledger.example/stream/3/records\n300\n${line}\n${exportId}\n`);
    expect(parseHolding(signed(text))).toMatchObject({ ...head, held: records, exportId });
  });

  test('says what of witnesses it was made with', () => {
    const witnessed = { keys: 2, cosignatures: 14, seen: 1 };
    const text = holdingText({ ...head, held: undefined, exportId, witnessed });
    expect(text).toBe(`ledger.example/stream/3/records\n300\nnone\n${exportId}\nwitnessed 2 14 1\n`);
    expect(parseHolding(signed(text))).toMatchObject({ ...head, held: undefined, exportId, witnessed });
  });

  test.each([
    `ledger.example/stream/3/records\n300\nnone\n${exportId}\nwitnessed 2 14\n`,
    `ledger.example/stream/3/records\n300\nnone\n${exportId}\nwitnessed 2 14 01\n`,
    `ledger.example/stream/3\n300\nnone\n${exportId}\n`,
    `ledger.example/stream/3/records\n300\n${exportId}\n`,
    `ledger.example/stream/3/records\n300\n17 20\n${exportId}\n`,
    `ledger.example/stream/3/records\n300\n300 300 300\n${exportId}\n`,
    `ledger.example/stream/3/records\n300\n0 20 19\n${exportId}\n`,
    `ledger.example/stream/3/records\n300\n00 20 30\n${exportId}\n`,
    `ledger.example/stream/3/records\n300\nnone\nnone\n${exportId}\n`,
    'ledger.example/stream/3/records\n300\nnone\n',
    `ledger.example/stream/3/records\n300\nnone\n${exportId.toUpperCase()}\n`,
  ])('is nothing else: %j', (text) => {
    expect(() => parseHolding(signed(text))).toThrow(invalid);
  });
});

describe('the bytes of a record', () => {
  const record = { key: 'st-1', headers: { ce_id: '01926f4e', ce_type: 'stream.created' }, value: '{"name":"Garten"}' };

  test('are its lengths and texts, the same on every engine', () => {
    expect(recordText(record, plainHash)).toBe('r1 4 5 8 7 14 17\nst-1ce_id01926f4ece_typestream.created{"name":"Garten"}');
    const out = new Uint8Array(40);
    hashRecord(record, plainHash, out, 8);
    // printf '\0r1 4 5 8 7 14 17\nst-1ce_id01926f4ece_typestream.created{"name":"Garten"}' | sha256sum
    expect(hex(out.subarray(8))).toBe('0069a1e09966cceabb51a0067f6a1ddd58880879cdb212eb54f294fe68ae2fc1');
  });

  const texts = fc.string({ unit: 'grapheme', maxLength: 12 });
  const records = fc.record({
    key: texts,
    headers: fc.dictionary(
      texts.filter((name) => name !== '__proto__'),
      texts,
    ),
    value: texts,
  });

  test('are read back', () => {
    fc.assert(fc.property(records, (one) => expect(parseRecordBytes(new TextEncoder().encode(recordText(one, plainHash)))).toEqual(one)));
  });

  test('differ whenever records differ', () => {
    fc.assert(
      fc.property(records, records, (one, other) => {
        const same =
          JSON.stringify([one.key, Object.entries(one.headers), one.value]) === JSON.stringify([other.key, Object.entries(other.headers), other.value]);
        expect(recordText(one, plainHash) === recordText(other, plainHash)).toBe(same);
      }),
    );
    // What is moved over a border between texts is another record.
    expect(recordText({ key: 'ab', headers: {}, value: 'c' }, plainHash)).not.toBe(recordText({ key: 'a', headers: {}, value: 'bc' }, plainHash));
  });

  test.each(['', 'r1\n', 'r2 1 1\nab', 'r1 1 1\na', 'r1 1 1\nabc', 'r1 01 1\nab', 'r1 1 1 1\nabc', 'r1 1\na'])('that are none are refused: %j', (text) => {
    expect(() => parseRecordBytes(new TextEncoder().encode(text))).toThrow(invalid);
  });

  test('travel in bundles, with their offsets', () => {
    const input = (one: typeof record): Uint8Array => new TextEncoder().encode(`\0${recordText(one, plainHash)}`);
    const bundle = encodeBundle([
      { offset: 7n, leafInput: input(record) },
      { offset: 2n ** 40n, leafInput: input({ ...record, value: '"ü"' }) },
    ]);
    const read = [...decodeBundle(bundle)];
    expect(read.map(({ offset }) => offset)).toEqual([7n, 2n ** 40n]);
    expect(parseRecordBytes((read[1]?.leafInput ?? new Uint8Array()).subarray(1))).toEqual({ ...record, value: '"ü"' });
    expect([...decodeBundle(cutBundle(bundle, 1))].map(({ offset }) => offset)).toEqual([7n]);
    expect([cutBundle(bundle, 0).length, cutBundle(bundle, 5).length]).toEqual([0, bundle.length]);
    for (const cut of [1, 11, 12, bundle.length - 1]) expect(() => [...decodeBundle(bundle.subarray(0, cut))]).toThrow(invalid);
  });
});
