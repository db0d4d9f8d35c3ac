import type { Api } from '../model/api.ts';
import { LedgerPanel } from '../view/ledger-panel.tsx';
import { ProofPanel } from '../view/proof-panel.tsx';
import { RetentionPanel } from '../view/retention-panel.tsx';

/** What shows that nobody has changed the record, and where it lies. */
export function AuditPage({ api }: { readonly api: Api }) {
  return (
    <main className="page">
      <ProofPanel api={api} />
      <LedgerPanel api={api} />
      <RetentionPanel api={api} />
    </main>
  );
}
