export { Ed25519Signer, verifyEd25519 } from './ed25519.ts';
export { nodeLedgerHash } from './node-ledger-hash.ts';
