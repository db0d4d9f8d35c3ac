export { Ed25519Signer, verifyEd25519 } from './ed25519.ts';
export { ledgerName, LedgerSigners, originOf } from './ledger-signers.ts';
export { nodeLedgerHash } from './node-ledger-hash.ts';
