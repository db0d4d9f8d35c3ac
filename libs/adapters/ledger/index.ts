export { audit, auditLines, type AuditInit, type AuditReport } from './audit.ts';
export { BundleWriter, openBundle, type Bundle } from './bundle-folder.ts';
export { Ed25519Signer, verifyEd25519 } from './ed25519.ts';
export { ledgerName, LedgerSigners, originOf } from './ledger-signers.ts';
export { treeName } from './listed-trees.ts';
export { nodeLedgerHash } from './node-ledger-hash.ts';
export { sinceBundle } from './since.ts';
export type { RecordSource, SeenCheckpoint, TreeSource } from './tree-source.ts';
export { verifyTree, type Finding, type FindingKind, type TreeReport, type Trust } from './verify-tree.ts';
