import {
  audit,
  auditLines,
  BundleWriter,
  nodeLedgerHash,
  openBundle,
  proofFlaw,
  sinceBundle,
  verifyEd25519,
  witnessedOf,
  type AuditReport,
  type Bundle,
  type ProofTrust,
} from '#adapters/ledger';
import { fromBase64, parseHolding, parseVerifierKey, readKeyList, tilesOf, tileWidth, type HeldRecords } from '#core/ledger';
import { apiLedger, NothingSigned, type ApiBundle, type ApiTree } from '../audit/api-ledger.ts';
import { bundleReadme } from '../audit/bundle-readme.ts';
import { withRecordsOfLog } from '../audit/log-records.ts';
import { recordOfLeaf, type ProvenRecord } from '../audit/proven-record.ts';
import type { ApiClient } from '../client/api-client.ts';
import { exitCodes, PlainFailure } from '../streams.errors.ts';
import type { CommandContext } from './context.ts';

export interface VerifyOptions {
  /** A bundle instead of the running platform. */
  readonly offline?: string;
  /** With a bundle: the records of the log of this machine instead of the bundle's. */
  readonly log?: boolean;
  /** An earlier bundle: what was signed then must still hold. */
  readonly since?: string;
  readonly trust?: readonly string[];
  readonly witness?: readonly string[];
  readonly cosigners: number;
}

const warn = (line: string): void => void process.stderr.write(`${line}\n`);

/** Verifies the ledger of a platform or of a bundle. @throws PlainFailure when something is not as it was signed. */
export async function verifyLedger({ api, print }: CommandContext, options: VerifyOptions): Promise<void> {
  const read = (bundle: Bundle): Promise<AuditReport> =>
    audit(bundle, { keys: options.trust ?? [], witnessKeys: options.witness ?? [], cosignersMin: options.cosigners });
  const run = async (bundle: Bundle): Promise<AuditReport> => {
    const whole = options.since === undefined ? bundle : sinceBundle(bundle, await openBundle(options.since), options.since);
    return options.log === true ? withRecordsOfLog(whole, read) : read(whole);
  };
  if (options.log === true && options.offline === undefined)
    throw new PlainFailure('--log compares the log of this machine with a bundle: name it with --offline.', exitCodes.usage);
  const bundle = options.offline === undefined ? await ledgerOf(api) : await openBundle(options.offline);
  if (bundle instanceof NothingSigned) {
    if (options.since !== undefined || options.cosigners > 0) throw bundle;
    print({ ok: true, name: null, keysKnown: false, records: 0, compared: 0, trees: [], findings: [] }, () => [bundle.message]);
    return;
  }
  const report = await run(bundle);
  const { trouble } = bundle as Partial<ApiBundle>;
  print(report, () => [...auditLines(report), ...(trouble === undefined ? [] : [trouble])]);
  const kinds = new Set([...report.findings, ...report.trees.flatMap(({ findings }) => findings)].map(({ kind }) => kind));
  if (!report.ok && kinds.size === 1 && kinds.has('begun-anew'))
    throw new PlainFailure('The ledger was begun anew since then: what it signs now is as it was signed, and cannot be held against what was signed before.');
  if (!report.ok) throw new PlainFailure('The log or its ledger was changed.');
}

/** A platform that has just begun has nothing to verify yet, and nothing wrong. */
async function ledgerOf(api: ApiClient): Promise<ApiBundle | NothingSigned> {
  try {
    return await apiLedger(api, { records: true, warn });
  } catch (error) {
    if (error instanceof NothingSigned) return error;
    throw error;
  }
}

/** Writes a bundle for an auditor. */
export async function exportLedger({ api, print }: CommandContext, folder: string, options: { readonly records: boolean }): Promise<void> {
  const writer = await BundleWriter.create(folder);
  let exportId = '';
  const begin = async (): Promise<string> => {
    const begun = await api.call<{ readonly exportId: string; readonly trees: string }>('GET', '/api/v1/ledger/export');
    ({ exportId } = begun);
    return begun.trees;
  };
  const ledger = await apiLedger(api, { records: options.records, warn, begin });
  const keys = readKeyList(ledger.keyList, [], nodeLedgerHash, verifyEd25519);
  await writer.write('keys', ledger.keyList);
  await writer.write('trees', ledger.treeList ?? '');
  await writer.write('witness-keys', ledger.witnessKeys.map((key) => `${key}\n`).join(''));
  await writer.write('README.md', bundleReadme(keys[0]?.name ?? '', keys, options.records));
  // All at once: however long the records take, the export is still known.
  const holdings = new Map<ApiTree, string>();
  const witnesses = ledger.witnessKeys.map((key) => parseVerifierKey(key, nodeLedgerHash));
  for (const tree of ledger.trees) holdings.set(tree, await tree.holding(options.records, exportId, witnessedOf(tree, witnesses)));
  let records = 0;
  for (const tree of ledger.trees) {
    await writer.writeTree(tree);
    records += tree.size;
    const holding = holdings.get(tree) ?? '';
    await writer.writeHolding(tree, holding);
    await exportRecords(writer, tree, parseHolding(holding).held);
  }
  const trees = ledger.trees.length;
  print({ folder, trees, records }, () => [
    `${folder} holds ${trees} trees of ${records} records${options.records ? '' : ' (hashes only)'}. Verify it: streams audit verify --offline ${folder}`,
  ]);
}

async function exportRecords(writer: BundleWriter, tree: ApiTree, held: HeldRecords | undefined): Promise<void> {
  let isLost = false;
  for (const tile of tilesOf(tree.size)) {
    if (tile.level > 0 || held === undefined) break;
    const begin = Math.max(tile.index * tileWidth, held.firstLeaf);
    if (begin >= tile.index * tileWidth + tile.width) continue;
    const records = await tree.tileRecords(tile);
    isLost ||= records.lost;
    // Anything else that is missing or too much is for whoever verifies the bundle to find.
    if (records.first > begin && !isLost)
      throw new PlainFailure(`Retention has removed records of ${tree.topic}/${tree.partition} while they were exported. Export them again.`);
    if (records.bundle.length > 0) await writer.writeRecords(tree, tile, records.bundle);
  }
}

interface ProofView {
  readonly eventId: string;
  readonly topic: string;
  readonly partition: number;
  readonly offset: string;
  readonly index: number;
  readonly treeSize: number;
  readonly leafHash: string;
  readonly proof: readonly string[];
  readonly checkpoint: string;
}

/**
 * Verifies the proof of an event, or of a record by its place, `stream/3/1041`, and that the record is of that event.
 * @param trust verifier keys of the ledger that the caller knows
 * @throws PlainFailure when it does not hold
 */
export async function proveEvent({ api, print }: CommandContext, what: string, trust: readonly string[] = []): Promise<void> {
  const place = /^([a-z]+)\/(\d+)\/(\d+)$/.exec(what);
  const path = place === null ? `/api/v1/ledger/events/${encodeURIComponent(what)}/proof` : `/api/v1/ledger/${place[1]}/${place[2]}/offsets/${place[3]}/proof`;
  const proof = await api.call<ProofView>('GET', path);
  const keyList = await (await api.open('GET', '/ledger/v1/keys')).text();
  const flaw = flawOf(proof, { keyList, keys: trust });
  if (flaw !== undefined) throw notProven(what, flaw);
  // That the leaf is there says nothing of the event before it is known that it is the event's.
  const record = await recordOfLeaf(api, proof);
  if (typeof record === 'string') throw notProven(what, record);
  const asked = place === null ? what : proof.eventId;
  const isAsked = place === null || what === `${proof.topic}/${proof.partition}/${proof.offset}`;
  if (!isAsked || proof.eventId !== asked) throw notProven(what, 'the platform has proven another record');
  if (record !== undefined && (record.headers['ce_id'] ?? '') !== asked) throw notProven(what, 'the record that is proven is of another event');
  print({ ...proof, record: record === undefined ? null : Buffer.from(record.bytes).toString('base64') }, () => [
    `Event ${proof.eventId} is record ${proof.index} of ${proof.treeSize} in the tree of ${proof.topic}/${proof.partition} (offset ${proof.offset}),`,
    `proven by ${proof.proof.length} hashes against the signed checkpoint. --json shows the proof and the record.`,
    recordLine(record),
    ...(trust.length > 0 ? [] : ['The keys are those that the platform names itself: name one that you know with --trust.']),
  ]);
}

function notProven(what: string, flaw: string): PlainFailure {
  return new PlainFailure(`The record of event ${what} is not proven: ${flaw}.`);
}

/** What of it is proven, and what is the platform's word. */
function recordLine(record: ProvenRecord | undefined): string {
  if (record === undefined)
    return 'Retention has removed its bytes, so that a record of this hash is on the record is proven; that it was this event is what the platform says.';
  const { ce_type: type = 'no type', ce_time: time = 'no time' } = record.headers;
  return `Its ${record.bytes.length} bytes were read and hashed here: ${type} of ${time}. Everything in them is proven; the offset is what the platform says.`;
}

function flawOf({ treeSize, leafHash, proof, ...claim }: ProofView, trust: ProofTrust): string | undefined {
  const hashes = [leafHash, ...proof].map((one) => fromBase64(one) ?? new Uint8Array(0));
  return proofFlaw({ ...claim, size: treeSize, leafHash: hashes[0] as Uint8Array, proof: hashes.slice(1) }, trust);
}

/** Gives the ledger its next key. */
export async function rotateLedgerKey({ api, print }: CommandContext, reason: string): Promise<void> {
  const rotated = await api.call<{ readonly keys: number }>('POST', '/api/v1/ledger/keys/rotate', { reason });
  print(rotated, () => [
    `The audit ledger has its key number ${rotated.keys}. It signs from the next checkpoint on, together with the one before;`,
    'the list of keys (/ledger/v1/keys) lets whoever trusts an earlier one know it.',
  ]);
}

interface BegunAnew {
  readonly trees: ReadonlyArray<{ readonly topic: string; readonly partition: number; readonly records: number; readonly beginsAt: string }>;
}

/** Gives up trees whose next records are gone. */
export async function beginLedgerAnew({ api, print }: CommandContext, reason: string): Promise<void> {
  const begun = await api.call<BegunAnew>('POST', '/api/v1/ledger/begin-anew', { reason });
  print(begun, () => [
    ...begun.trees.map(
      ({ topic, partition, records, beginsAt }) => `${topic}/${partition} begins anew at offset ${beginsAt}; ${records} records that were signed are given up.`,
    ),
    'They are signed within half a minute. Proofs of before are lost to this ledger: bundles that were exported before are what counts.',
  ]);
}
