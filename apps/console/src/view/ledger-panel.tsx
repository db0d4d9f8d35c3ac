import { useCallback } from 'react';
import type { Api } from '../model/api.ts';
import type { Ledger, LedgerTree } from '../model/ledger.ts';
import { usePolling } from '../polling.tsx';
import { Waiting } from './problem.tsx';

/** The audit ledger: its keys, its witnesses, and how far each topic is signed. */
export function LedgerPanel({ api }: { readonly api: Api }) {
  const polled = usePolling(
    useCallback((signal) => api.get<Ledger>('/api/v1/ledger', signal), [api]),
    5000,
  );
  const { value } = polled;
  return (
    <section className="panel ledger" aria-label="Audit ledger">
      <header>
        <h2>Audit ledger</h2>
        <span className="gap" />
        {value?.name === undefined || value.name === null ? null : <code>{value.name}</code>}
      </header>
      <Waiting polled={polled} />
      {value === undefined ? null : <Standing ledger={value} />}
    </section>
  );
}

function Standing({ ledger: { name, keys, witnesses, trees, trouble } }: { readonly ledger: Ledger }) {
  if (name === null) return <p className="empty">Nothing is signed yet: the first checkpoint follows the first events within seconds.</p>;
  return (
    <>
      {trouble === null ? null : <p className="note error">{trouble.message}</p>}
      <dl className="facts">
        <Fact what="records" value={total(trees, 'records')} />
        <Fact what="signed" value={total(trees, 'signedRecords')} />
        <Fact what={keys.length === 1 ? 'key' : 'keys'} value={keys.length} />
        <Fact what={witnesses.length === 1 ? 'witness' : 'witnesses'} value={witnesses.length} />
      </dl>
      <table className="rows">
        <thead>
          <tr>
            <th>context</th>
            <th className="number">partitions</th>
            <th className="number">records</th>
            <th className="number">not signed yet</th>
          </tr>
        </thead>
        <tbody>
          {[...Map.groupBy(trees, ({ topic }) => topic)].map(([topic, some]) => (
            <tr key={topic}>
              <td>{topic}</td>
              <td className="number">{some.length}</td>
              <td className="number">{total(some, 'records').toLocaleString('en')}</td>
              <td className="number">{(total(some, 'records') - total(some, 'signedRecords')).toLocaleString('en')}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <details className="keys">
        <summary>Keys to trust, and who has seen it</summary>
        {keys.map((key) => (
          <code key={key}>{key}</code>
        ))}
        {witnesses.map(({ edgeId, verifierKey }) => (
          <code key={edgeId} title={edgeId}>
            {verifierKey}
          </code>
        ))}
      </details>
    </>
  );
}

function Fact({ what, value }: { readonly what: string; readonly value: number }) {
  return (
    <div>
      <dt>{what}</dt>
      <dd>{value.toLocaleString('en')}</dd>
    </div>
  );
}

function total(trees: readonly LedgerTree[], field: 'records' | 'signedRecords'): number {
  return trees.reduce((sum, tree) => sum + tree[field], 0);
}
