import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MemorySecretStore } from '#adapters/memory';
import { originKeys, parseCheckpoint, readKeyList, signedBy } from '#core/ledger';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ledgerName, LedgerSigners, nodeLedgerHash, verifyEd25519 } from './index.ts';

const at = { topic: 'stream', partition: 3 };
const head = { size: 7, root: new Uint8Array(32).fill(1) };
const pem = (type: 'ed25519' | 'x25519'): string =>
  generateKeyPairSync(type as 'ed25519')
    .privateKey.export({ format: 'pem', type: 'pkcs8' })
    .toString();

describe('who signs the ledger', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ledger-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  test('is the same for every process that shares the secrets', async () => {
    const secrets = new MemorySecretStore();
    const name = await ledgerName(secrets);
    expect(name).toMatch(/^streams-[0-9a-f]{12}$/);
    expect(await ledgerName(secrets)).toBe(name);
    const [one, two] = [await LedgerSigners.fromSecrets(name, secrets, 2), await LedgerSigners.fromSecrets(name, secrets, 2)];
    expect(one.sign(at, head)).toBe(two.sign(at, head));
  });

  test('goes on after a change of keys, for those who know the one before', async () => {
    const secrets = new MemorySecretStore();
    const [first, second, third] = [
      await LedgerSigners.fromSecrets('a', secrets, 1),
      await LedgerSigners.fromSecrets('a', secrets, 2),
      await LedgerSigners.fromSecrets('a', secrets, 3),
    ];
    const read = (list: string, trusted = readKeyList(first.keyList(), [], nodeLedgerHash, verifyEd25519)) =>
      readKeyList(list, trusted, nodeLedgerHash, verifyEd25519);
    const isSigned = (note: string, list: string): boolean =>
      signedBy(parseCheckpoint(note).note, originKeys(read(list), 'a/stream/3', nodeLedgerHash), verifyEd25519).right.length > 0;
    expect(isSigned(second.sign(at, head), first.keyList())).toBe(true);
    expect(isSigned(third.sign(at, head), first.keyList())).toBe(false);
    expect(isSigned(third.sign(at, head), third.keyList())).toBe(true);
  });

  test('may come from a file', async () => {
    const path = join(folder, 'keys.pem');
    await writeFile(path, pem('ed25519') + pem('ed25519'));
    const signers = await LedgerSigners.fromFile('a', path);
    expect(signers.count).toBe(2);
    expect(parseCheckpoint(signers.sign(at, head)).note.signatures).toHaveLength(2);
  });

  test.each([
    ['nothing', ''],
    ['a key of another kind', pem('x25519')],
    ['something else', '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n'],
  ])('does not come from a file with %s', async (_what, text) => {
    const path = join(folder, 'wrong.pem');
    await writeFile(path, text);
    await expect(LedgerSigners.fromFile('a', path)).rejects.toMatchObject({ code: 'LEDGER_KEY_INVALID' });
    await expect(LedgerSigners.fromFile('a', join(folder, 'missing.pem'))).rejects.toMatchObject({ code: 'LEDGER_KEY_INVALID' });
  });
});
