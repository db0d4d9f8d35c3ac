import { nodeLedgerHash, verifyEd25519 } from '#adapters/ledger';
import {
  formatAddCheckpoint,
  parseSignature,
  parseVerifierKey,
  signatureTypes,
  signedBy,
  type NoteSignature,
  type Proof,
  type SignedCheckpoint,
  type VerifierKey,
} from '#core/ledger';
import { OperatingError } from '#kernel';

/** How a witness answered. */
export type WitnessAnswer =
  | { readonly kind: 'cosigned'; readonly signature: NoteSignature }
  /** It stands at another size than the one that it was asked from. */
  | { readonly kind: 'elsewhere'; readonly size: number }
  | { readonly kind: 'refused'; readonly status: number; readonly text: string };

/** Where an edge answers as a witness (C2SP tlog-witness: the submission prefix). */
export const witnessPrefix = '/ledger/witness/v1';

const timeoutMs = 5000;
const answerBytesMax = 16_384;

/** The witness, or what it said, is of no use now; later perhaps. */
export function unreachable(url: string, cause: unknown): OperatingError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new OperatingError(`The witness at ${url} does not answer: ${why.replace(/[.\s]+$/, '')}.`, { code: 'WITNESS_UNREACHABLE', retryable: true, cause });
}

async function exchange(url: string, init: RequestInit): Promise<{ readonly status: number; readonly text: string }> {
  try {
    const response = await fetch(url, { ...init, redirect: 'error', signal: AbortSignal.timeout(timeoutMs) });
    const text = await response.text();
    if (text.length > answerBytesMax) throw new Error('its answer is too long');
    return { status: response.status, text };
  } catch (cause) {
    throw unreachable(url, cause);
  }
}

/** The key that a witness says to be its own. @throws OperatingError `WITNESS_UNREACHABLE`, `LEDGER_INVALID` */
export async function fetchWitnessKey(edgeUrl: string): Promise<VerifierKey> {
  const { status, text } = await exchange(`${edgeUrl}${witnessPrefix}/key`, {});
  if (status !== 200) throw unreachable(edgeUrl, `status ${status}`);
  const key = parseVerifierKey(text.trim(), nodeLedgerHash);
  if (key.type !== signatureTypes.cosignature) throw unreachable(edgeUrl, 'its key is not that of a witness');
  return key;
}

/** Asks for a cosignature. @throws OperatingError `WITNESS_UNREACHABLE` */
export async function addCheckpoint(
  edgeUrl: string,
  key: VerifierKey,
  ask: { readonly oldSize: number; readonly proof: Proof; readonly checkpoint: SignedCheckpoint; readonly note: string },
): Promise<WitnessAnswer> {
  const body = formatAddCheckpoint(ask.oldSize, ask.proof, ask.note);
  const { status, text } = await exchange(`${edgeUrl}${witnessPrefix}/add-checkpoint`, {
    method: 'POST',
    body,
    headers: { 'content-type': 'text/plain; charset=utf-8' },
  });
  if (status === 409 && /^\d{1,15}\n$/.test(text)) return { kind: 'elsewhere', size: Number(text) };
  if (status !== 200) return { kind: 'refused', status, text };
  const signature = signatureOf(text, key, ask.checkpoint.note.text);
  return signature === undefined ? { kind: 'refused', status, text: 'its signature is not right' } : { kind: 'cosigned', signature };
}

function signatureOf(answer: string, key: VerifierKey, text: string): NoteSignature | undefined {
  try {
    const signatures = answer.trimEnd().split('\n').map(parseSignature);
    const mine = signatures.find(({ name, keyId }) => name === key.name && keyId === key.id);
    return mine !== undefined && signedBy({ text, signatures: [mine] }, [key], verifyEd25519).right.length === 1 ? mine : undefined;
  } catch {
    return undefined;
  }
}
