import { useCallback, useEffect, useRef, useState, type FormEvent } from 'react';
import { reasonOf } from '../action.tsx';
import type { Api } from '../model/api.ts';
import { cellOf, nameOf, originOf, type ReadTable, type Row, type RowPage } from '../model/rows.ts';
import { OriginLink } from './events-link.tsx';
import { Problem } from './problem.tsx';

interface RowsPanelProps {
  readonly api: Api;
  readonly table: ReadTable;
  /** Where its pages are read, without a query. */
  readonly path: string;
  /** As of when; undefined for now. */
  readonly asOf?: string | undefined;
  readonly title?: string;
}

const pageRows = 25;

/** Any table of any read model, page by page; each row leads to the events that made it. */
export function RowsPanel({ api, table, path, asOf, title = table.table }: RowsPanelProps) {
  const [where, setWhere] = useState('');
  const { rows, more, busy, problem, load } = useRows(api, path, { asOf, where });
  const first = table.key[0] ?? '';
  return (
    <section className="panel" aria-label={`Rows of ${table.table}`}>
      <header>
        <h2>{title}</h2>
        <span className="label" role="status">
          {busy ? 'Asking …' : `${rows.length.toLocaleString('en')} ${rows.length === 1 ? 'row' : 'rows'}${more ? ' and more' : ''}`}
        </span>
        <span className="gap" />
        <KeyFilter column={first} onFilter={(value) => setWhere(value === '' ? '' : `${first}:${value}`)} />
      </header>
      <Problem text={problem} />
      {rows.length === 0 && !busy && problem === undefined ? <p className="empty">No rows{where === '' ? '' : ` with ${where}`}.</p> : null}
      {rows.length === 0 ? null : <RowsTable table={table} rows={rows} />}
      {more && !busy ? (
        <div className="row">
          <button type="button" className="btn" onClick={load}>
            More
          </button>
        </div>
      ) : null}
    </section>
  );
}

function KeyFilter({ column, onFilter }: { readonly column: string; onFilter(value: string): void }) {
  const [value, setValue] = useState('');
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    onFilter(value.trim());
  };
  return (
    <form className="filter" onSubmit={submit}>
      <input aria-label={`Only with this ${column}`} placeholder={column} value={value} onChange={({ target }) => setValue(target.value)} spellCheck={false} />
      <button type="submit" className="btn small">
        Filter
      </button>
    </form>
  );
}

function RowsTable({ table: { table, key, columns }, rows }: { readonly table: ReadTable; readonly rows: readonly Row[] }) {
  return (
    <div className="scroll" tabIndex={0} role="group" aria-label="Rows">
      <table className="rows cells">
        <thead>
          <tr>
            {[...key, ...columns].map((column) => (
              <th key={column} scope="col">
                {column}
              </th>
            ))}
            <th scope="col">events</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={nameOf(key, row)} data-testid="table-row">
              {key.map((column) => (
                <th key={column} scope="row">
                  {cellOf(column, row[column])}
                </th>
              ))}
              {columns.map((column) => (
                <td key={column} title={cellOf(column, row[column])}>
                  {cellOf(column, row[column])}
                </td>
              ))}
              <td>
                <OriginLink origin={originOf(table, row)} about={nameOf(key, row)} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

interface Rows {
  readonly rows: readonly Row[];
  readonly more: boolean;
  readonly busy: boolean;
  readonly problem: string | undefined;
  /** The page behind. */
  load(): void;
}

function useRows(api: Api, path: string, { asOf, where }: { readonly asOf: string | undefined; readonly where: string }): Rows {
  const [rows, setRows] = useState<readonly Row[]>([]);
  const [cursor, setCursor] = useState<string | null>(null);
  const [busy, setBusy] = useState(true);
  const [problem, setProblem] = useState<string>();
  const abort = useRef(new AbortController());
  const load = useCallback(
    async (from: string | null): Promise<void> => {
      const mine = new AbortController();
      abort.current.abort();
      abort.current = mine;
      setBusy(true);
      setProblem(undefined);
      const named = {
        limit: String(pageRows),
        ...(where === '' ? {} : { where }),
        ...(asOf === undefined ? {} : { asOf }),
        ...(from === null ? {} : { cursor: from }),
      };
      try {
        const page = await api.get<RowPage>(`${path}?${new URLSearchParams(named)}`, mine.signal);
        setRows((before) => (from === null ? page.rows : [...before, ...page.rows]));
        setCursor(page.nextCursor);
      } catch (failure) {
        if (!mine.signal.aborted) setProblem(reasonOf(failure));
      }
      if (abort.current === mine) setBusy(false);
    },
    [api, path, asOf, where],
  );
  useEffect(() => {
    setRows([]);
    setCursor(null);
    void load(null);
    return () => abort.current.abort();
  }, [load]);
  return { rows, more: cursor !== null, busy, problem, load: () => void load(cursor) };
}
