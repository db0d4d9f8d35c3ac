import { cellOf, originOf } from '../model/rows.ts';
import type { ModelDifference, RowDifference } from '../model/types.ts';
import { OriginLink } from './events-link.tsx';

interface DifferenceViewProps {
  readonly difference: ModelDifference;
  /** Who made the rows that are compared with those that serve. */
  readonly built: string;
}

/** What differs, table by table, row by row and column by column. */
export function DifferenceView({ difference: { equal, tables }, built }: DifferenceViewProps) {
  if (equal) {
    const counts = tables.map(({ table, rebuilt }) => `${rebuilt.toLocaleString('en')} in ${table}`).join(', ');
    return (
      <p className="note">
        What {built} makes are the same rows as those that serve: {counts}.
      </p>
    );
  }
  return (
    <>
      {tables
        .filter(({ added, removed, changed }) => added + removed + changed > 0)
        .map((each) => (
          <TableDifference key={each.table} {...each} />
        ))}
    </>
  );
}

function TableDifference({
  table,
  added,
  removed,
  changed,
  changedColumns,
  servingDigest,
  rebuiltDigest,
  samples,
  withheld,
}: ModelDifference['tables'][number]) {
  const columns = Object.entries(changedColumns).map(([column, count]) => `${column} ${count.toLocaleString('en')}×`);
  const isCut = samples.length + withheld < added + removed + changed;
  const kept = withheld === 0 ? '' : ` ${withheld} ${withheld === 1 ? 'row is' : 'rows are'} not for your key, which is of one tenant.`;
  const shown = `${isCut ? ` The first ${samples.length + withheld} of them:` : ''}${kept}`;
  return (
    <div>
      <p className="note">
        {table}: {added} added, {removed} removed, {changed} changed{columns.length === 0 ? '' : ` (${columns.join(', ')})`}
        <span className="label">
          {' '}
          digest {servingDigest} now, {rebuiltDigest} then.{shown}
        </span>
      </p>
      <div className="scroll" tabIndex={0} role="group" aria-label={`Rows of ${table} that differ`}>
        <table className="difference">
          <thead>
            <tr>
              <th scope="col">row</th>
              <th scope="col">column</th>
              <th scope="col">serves now</th>
              <th scope="col">would be</th>
              <th scope="col">events</th>
            </tr>
          </thead>
          <tbody>
            {samples.map((sample) => (
              <SampleRows key={JSON.stringify(sample.key)} table={table} sample={sample} />
            ))}
          </tbody>
        </table>
      </div>
    </div>
  );
}

const signs = { added: '+', removed: '−', changed: '~' } as const;

function SampleRows({ table, sample: { kind, key, columns } }: { readonly table: string; readonly sample: RowDifference }) {
  const name = Object.values(key).map(String).join(' / ');
  const values = Object.fromEntries(Object.entries(columns).map(([column, { serving, rebuilt }]) => [column, rebuilt ?? serving]));
  return Object.entries(columns).map(([column, { serving, rebuilt }], at) => (
    <tr key={column} className={at === 0 ? 'first' : undefined}>
      <th scope="row" aria-label={`${kind}: ${name}`}>
        {at === 0 ? `${signs[kind]} ${name}` : ''}
      </th>
      <td>{column}</td>
      <td className="before">{cellOf(column, serving)}</td>
      <td className="after">{cellOf(column, rebuilt)}</td>
      <td>{at === 0 ? <OriginLink origin={originOf(table, { ...values, ...key })} about={name} /> : null}</td>
    </tr>
  ));
}
