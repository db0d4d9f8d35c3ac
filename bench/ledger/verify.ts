import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BundleWriter, LedgerSigners, nodeLedgerHash } from '#adapters/ledger';
import { MemorySecretStore } from '#adapters/memory';
import { leafInput } from '#adapters/sealed-log';
import { encodeBundle, hashBytes, LedgerTree, tileWidth, type FilledTile } from '#core/ledger';
import { sampleRecords } from '../log/records.ts';

const auditor = fileURLToPath(new URL('../../apps/auditor/main.js', import.meta.url));

/** Writes a bundle of so many records in one tree. */
async function writeBundle(folder: string, count: number): Promise<void> {
  const writer = await BundleWriter.create(folder);
  const signers = await LedgerSigners.fromSecrets('bench', new MemorySecretStore(), 1);
  const at = { topic: 'stream', partition: 0 };
  const exportId = '0'.repeat(32);
  const tree = new LedgerTree(nodeLedgerHash);
  const tiles = new Map<string, FilledTile>();
  for (let from = 0; from < count; from += tileWidth) {
    const records = sampleRecords(Math.min(tileWidth, count - from), from);
    for (const record of records) tree.append(record);
    for (const tile of tree.takeChanged()) tiles.set(`${tile.level}/${tile.index}`, tile);
    const bundle = encodeBundle(records.map((record, n) => ({ offset: BigInt(from + n), leafInput: leafInput(record, nodeLedgerHash) })));
    await writer.writeRecords(at, { level: 0, index: from / tileWidth, width: records.length }, bundle);
  }
  await writer.write('keys', signers.keyList());
  const head = { size: tree.size, root: tree.root() };
  await writer.write('trees', signers.signTrees([{ tree: `${at.topic}/${at.partition}`, ...head }], exportId));
  await writer.writeHolding(at, signers.signHolding(at, { size: count, held: { firstLeaf: 0, firstOffset: 0n, lastOffset: BigInt(count - 1) }, exportId }));
  const checkpoint = signers.sign(at, head);
  await writer.writeTree({
    ...at,
    checkpoints: [checkpoint],
    seen: [],
    records: undefined,
    tile: ({ level, index }) => tiles.get(`${level}/${index}`)?.hashes.slice(0, tileWidth * hashBytes),
  });
}

/** How long the auditor's program takes for so many records, its start included, s. */
export async function measureVerify(folder: string, count: number): Promise<number> {
  const bundle = join(folder, 'bundle');
  await writeBundle(bundle, count);
  const started = performance.now();
  const child = spawn(process.execPath, [auditor, bundle, '--json'], { stdio: ['ignore', 'pipe', 'inherit'] });
  let out = '';
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number];
  const seconds = (performance.now() - started) / 1000;
  const report = JSON.parse(out) as { compared: number };
  if (code !== 0 || report.compared !== count) throw new Error(`The auditor ended with ${code}, ${count} records were there: ${out}`);
  await rm(bundle, { recursive: true });
  return seconds;
}
