import { ledgerInvalid } from './ledger.errors.ts';
import type { LedgerHash } from './ledger-hash.types.ts';
import { formatNote, parseNote, type VerifySignature } from './note.codec.ts';
import { signedBy, signText, type Signer } from './signatures.core.ts';
import { formatVerifierKey, parseVerifierKey, signatureTypes, verifierKey, type VerifierKey } from './verifier-key.codec.ts';

/**
 * The keys that a ledger has had, oldest first, as a note that all of them sign. So whoever trusts one of them learns its
 * successors from it: that is how a key is replaced.
 *
 *     <name>/keys LF *( verifier key LF )
 */
export function formatKeyList(name: string, signers: readonly Signer[], hash: LedgerHash): string {
  const keys = signers.map(({ publicKey }) => verifierKey(name, signatureTypes.ed25519, publicKey, hash));
  const text = `${name}/keys\n${keys.map((key) => `${formatVerifierKey(key)}\n`).join('')}`;
  return formatNote({ text, signatures: signers.map((signer, at) => signText(text, keys[at] as VerifierKey, signer)) });
}

/**
 * The keys of a list.
 * @param trusted those that the reader knows already; with none, the list is believed as it is
 * @throws OperatingError `LEDGER_INVALID` when it is no such list, or none of the trusted keys is on it and has signed it.
 */
export function readKeyList(list: string, trusted: readonly VerifierKey[], hash: LedgerHash, verify: VerifySignature): readonly VerifierKey[] {
  const note = parseNote(list);
  const [title = '', ...lines] = note.text.slice(0, -1).split('\n');
  const keys = lines.map((line) => parseVerifierKey(line, hash));
  const name = title.replace(/\/keys$/, '');
  if (keys.length === 0 || name === title || keys.some((key) => key.name !== name)) throw ledgerInvalid('This is no list of the keys of a ledger.');
  const { right, wrong } = signedBy(note, keys, verify);
  if (wrong.length > 0 || right.length !== keys.length) throw ledgerInvalid('The list of keys is not signed by all of them.');
  const isVouchedFor = trusted.length === 0 || trusted.some((one) => keys.some((key) => formatVerifierKey(key) === formatVerifierKey(one)));
  if (!isVouchedFor) throw ledgerInvalid(`The ledger ${name} has other keys than the trusted ones, and none of those has signed the list.`);
  return keys;
}

/** The keys under which the ledger signs checkpoints of an origin: `<name>/<topic>/<partition>`; none, when it is not its. */
export function originKeys(keys: readonly VerifierKey[], origin: string, hash: LedgerHash): readonly VerifierKey[] {
  return keys.filter(({ name }) => origin.startsWith(`${name}/`)).map(({ publicKey }) => verifierKey(origin, signatureTypes.ed25519, publicKey, hash));
}
