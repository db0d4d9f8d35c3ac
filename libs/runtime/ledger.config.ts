import { readInteger, readText, type Environment } from './setting-values.config.ts';

/** How the audit ledger is named and signed. */
export interface LedgerSettings {
  /** First part of every origin; undefined for one that is made from a secret of the platform. */
  readonly name: string | undefined;
  /** PEM file of private keys of Ed25519, oldest first; undefined for keys among the secrets of the platform. */
  readonly keyFile: string | undefined;
  readonly checkpointMs: number;
  readonly checkpointRecords: number;
}

/** Neither a space nor a plus, which stand between the parts of a note; no slash, which ends the name in an origin. */
const namePattern = /^(|[A-Za-z0-9][A-Za-z0-9.-]{0,127})$/;

/** @throws OperatingError `SETTING_INVALID` naming the variable */
export function readLedgerSettings(env: Environment): LedgerSettings {
  return {
    name: readText(env, 'LEDGER_NAME', '', namePattern) || undefined,
    keyFile: env['LEDGER_KEY_FILE'] || undefined,
    checkpointMs: readInteger(env, 'LEDGER_CHECKPOINT_SECONDS', 10, 1, 3600) * 1000,
    checkpointRecords: readInteger(env, 'LEDGER_CHECKPOINT_RECORDS', 50_000, 1, 1_000_000_000),
  };
}
