import { useEffect, useMemo, useRef, useState } from 'react';
import type { Api } from '../model/api.ts';
import { aroundOf, openRows, type CausationTree, type TreeNode } from '../model/review.ts';

interface CausationViewProps {
  readonly api: Api;
  readonly id: string;
  onPick(id: string): void;
}

const rowPx = 28;
const heightPx = 420;
/** Rows drawn above and below what is seen, so that scrolling shows no gaps. */
const spare = 10;

/** Causes and effects as a tree. Only the rows that are seen are drawn: ten thousand are as quick as ten. */
export function CausationView({ api, id, onPick }: CausationViewProps) {
  const [tree, setTree] = useState<CausationTree>();
  const [problem, setProblem] = useState<string>();
  const [whole, setWhole] = useState(false);
  const around = useMemo(() => aroundOf(tree?.nodes ?? [], id), [tree, id]);
  const folded = (tree?.nodes.length ?? 0) - around.length;
  useEffect(() => {
    const abort = new AbortController();
    api
      .get<CausationTree>(`/api/v1/events/${encodeURIComponent(id)}/causation`, abort.signal)
      .then(setTree)
      .catch((failure: unknown) => {
        if (!abort.signal.aborted) setProblem(failure instanceof Error ? failure.message : String(failure));
      });
    return () => abort.abort();
  }, [api, id]);
  return (
    <div className="causation" data-testid="causation">
      <p className="label">
        {tree === undefined
          ? (problem ?? 'Asking what caused it …')
          : `${tree.nodes.length.toLocaleString('en')} events${tree.truncated ? ' and more' : ''}${tree.causeId === null ? '' : `, all caused by ${tree.causeId}`}`}
      </p>
      {folded === 0 ? null : (
        <button type="button" className="btn small" aria-pressed={whole} onClick={() => setWhole(!whole)}>
          {whole ? 'Only what led to it and came of it' : `Show ${folded.toLocaleString('en')} more beside it`}
        </button>
      )}
      {tree === undefined ? null : <Rows nodes={whole ? tree.nodes : around} current={id} onPick={onPick} />}
    </div>
  );
}

function Rows({ nodes, current, onPick }: { readonly nodes: readonly TreeNode[]; readonly current: string; onPick(id: string): void }) {
  const [closed, setClosed] = useState<ReadonlySet<string>>(new Set());
  const [top, setTop] = useState(0);
  const box = useRef<HTMLDivElement>(null);
  const rows = useMemo(() => openRows(nodes, closed), [nodes, closed]);
  const parents = useMemo(() => new Set(nodes.map(({ parentId }) => parentId)), [nodes]);
  useEffect(() => {
    const at = nodes.findIndex(({ id }) => id === current);
    if (box.current !== null && at > heightPx / rowPx / 2) box.current.scrollTop = at * rowPx - heightPx / 2;
  }, [nodes, current]);
  const first = Math.max(0, Math.floor(top / rowPx) - spare);
  const seen = rows.slice(first, Math.ceil((top + heightPx) / rowPx) + spare);
  const toggle = (id: string): void => {
    const next = new Set(closed);
    if (!next.delete(id)) next.add(id);
    setClosed(next);
  };
  return (
    <div
      ref={box}
      className="tree"
      role="tree"
      aria-label="Causes and effects"
      style={{ maxHeight: heightPx }}
      onScroll={({ currentTarget }) => setTop(currentTarget.scrollTop)}
    >
      <div style={{ height: rows.length * rowPx, position: 'relative' }}>
        {seen.map((node, at) => (
          <div
            key={node.id}
            role="treeitem"
            aria-level={node.depth + 1}
            aria-expanded={parents.has(node.id) ? !closed.has(node.id) : undefined}
            aria-selected={node.id === current}
            className="leaf"
            style={{ top: (first + at) * rowPx, height: rowPx, paddingLeft: 12 + Math.min(node.depth, 12) * 16 }}
          >
            {parents.has(node.id) ? (
              <button type="button" className="twig" aria-label={closed.has(node.id) ? 'Open' : 'Close'} onClick={() => toggle(node.id)}>
                {closed.has(node.id) ? '▸' : '▾'}
              </button>
            ) : (
              <span className="twig" />
            )}
            <button type="button" className="link" onClick={() => onPick(node.id)}>
              {node.type}
            </button>
            <span className="gist">{node.subject}</span>
            <time dateTime={node.time}>{new Date(node.time).toLocaleTimeString('en-GB')}</time>
          </div>
        ))}
      </div>
    </div>
  );
}
