import { join } from 'node:path';
import { Ed25519Signer, nodeLedgerHash } from '#adapters/ledger';
import { parseVerifierKey, signatureTypes, verifierKey } from '#core/ledger';
import type { Logger } from '#runtime';
import type { EdgeSettings } from '../edge.config.ts';
import type { Gateways } from '../gateway/gateways.ts';
import { TrustedLedgers } from './trusted-ledgers.ts';
import { answersOf, type WitnessAnswers } from './witness-answers.ts';
import { takeWitnessSeed, WitnessFile } from './witness.file.ts';
import { Witness } from './witness.ts';

export interface OpenWitnessDeps {
  readonly gateways: Gateways;
  readonly logger: Logger;
  readonly now: () => number;
}

/**
 * The witness of an edge, as it was when the edge last ran. When its files are damaged, the edge serves viewers as ever, and
 * nobody a signature.
 */
export async function openWitness(settings: EdgeSettings, deps: OpenWitnessDeps): Promise<WitnessAnswers> {
  try {
    return answersOf(await open(settings, deps));
  } catch (err) {
    deps.logger.error({ err }, `the witness of this edge is out of order: ${err instanceof Error ? err.message : String(err)}`);
    return answersOf(undefined);
  }
}

async function open(settings: EdgeSettings, { gateways, logger, now }: OpenWitnessDeps): Promise<Witness> {
  const folder = join(settings.statePath, 'witness');
  const signer = new Ed25519Signer(await takeWitnessSeed(join(folder, 'seed')));
  const key = verifierKey(`edge/${settings.edgeId}`, signatureTypes.cosignature, signer.publicKey, nodeLedgerHash);
  const named = settings.ledgerKeys.map((text) => parseVerifierKey(text, nodeLedgerHash));
  const ledgers = await TrustedLedgers.open({ path: join(folder, 'ledger-keys'), named }, { gateways, logger, now });
  return new Witness({ key, signer }, { ledgers, file: await WitnessFile.open(join(folder, 'seen.json')), now });
}
