import type { ModelDifferenceView, ProjectionView, ReplayView, TableDifferenceView } from '../client/api.types.ts';
import { duration } from './table.ts';

const barWidth = 24;
const count = (value: number): string => value.toLocaleString('en-US');

/** `rebuild of streams  [######------]  48 %  480,000 of 1,000,000 events  92,000/s  6 s left` */
export function progressLine({ mode, projection, status, progress }: Pick<ReplayView, 'mode' | 'projection' | 'status' | 'progress'>): string {
  const head = `${mode} of ${projection}`;
  if (progress === null) return `${head}  ${status}`;
  const { done, total, eventsPerSecond, etaMs } = progress;
  const share = total === 0 ? 1 : Math.min(1, done / total);
  const full = Math.floor(share * barWidth);
  const left = etaMs === null || status !== 'running' ? status : `${duration(etaMs)} left`;
  return `${head}  [${'#'.repeat(full)}${'-'.repeat(barWidth - full)}] ${String(Math.floor(share * 100)).padStart(3)} %  ${count(done)} of ${count(total)} events  ${count(eventsPerSecond)}/s  ${left}`;
}

export function goneText(eventsGone: number | null): string {
  return `the log no longer holds ${count(eventsGone ?? 0)} events from before it began`;
}

/** Nothing where the log holds all. */
export function goneLines(eventsGone: number | null): readonly string[] {
  if (eventsGone === null || eventsGone === 0) return [];
  return [`  ${goneText(eventsGone)} (LOG_SEALED_DAYS): rows that only they told of are not in it, and differ as removed.`];
}

/** What somebody should see to, below the table of all read models. */
export function projectionNotes({ name, trouble, heldBack }: ProjectionView): readonly string[] {
  return [
    ...(trouble === null ? [] : [`${name}: ${trouble.message}`]),
    ...(heldBack === null ? [] : [`${name} version ${heldBack.version} is built and waits, and what serves may stand still meanwhile. ${heldBack.message}`]),
  ];
}

export function replayLines(replay: ReplayView): readonly string[] {
  const { id, projection, mode, status, version, progress, behind, note } = replay;
  const window = [
    replay.from && `from ${replay.from}`,
    replay.until && `until ${replay.until}`,
    replay.partitions && `partitions ${replay.partitions.join(', ')}`,
  ].filter(Boolean);
  return [
    `Replay ${id}: ${mode} of ${projection}${version === null ? '' : ` version ${version}`} is ${status}${note ? ` (${note})` : ''}.`,
    ...(window.length === 0 ? [] : [`  only ${window.join(', ')}`]),
    ...(progress === null
      ? []
      : [
          `  ${count(progress.done)} of ${count(progress.total)} events${progress.skipped > 0 ? `, ${count(progress.skipped)} of them passed over` : ''}`,
          ...(progress.poisoned ?? []).map(({ place, code, message }) => `    ${place}  ${code}  ${message}`),
        ]),
    ...(behind === null ? [] : [`  ${count(behind.events)} events behind the log, most of them in partition ${behind.partition}`]),
  ];
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'null';
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}

function tableLines(table: TableDifferenceView): readonly string[] {
  const { added, removed, changed, serving, rebuilt } = table;
  const isEqual = table.servingDigest === table.rebuiltDigest;
  const columns = Object.entries(table.changedColumns).map(([name, rows]) => `${name} ${count(rows)}`);
  const differing = added + removed + changed;
  const more = differing - table.samples.length - table.withheld;
  return [
    `  ${table.table}: ${isEqual ? 'equal' : `${count(added)} added, ${count(removed)} removed, ${count(changed)} changed`}  (${count(serving)} rows serve, ${count(rebuilt)} rebuilt; digest ${table.rebuiltDigest})`,
    ...(columns.length === 0 ? [] : [`    changed columns: ${columns.join(', ')}`]),
    ...(table.onlyServing.length === 0 ? [] : [`    no longer there: ${table.onlyServing.join(', ')}`]),
    ...(table.onlyRebuilt.length === 0 ? [] : [`    new: ${table.onlyRebuilt.join(', ')}`]),
    ...table.samples.flatMap(({ kind, key, columns: values }) => [
      `    ${{ added: '+', removed: '-', changed: '~' }[kind]} ${Object.entries(key)
        .map(([name, value]) => `${name}=${String(value)}`)
        .join(' ')}`,
      ...Object.entries(values).map(([name, { serving: before, rebuilt: after }]) => `        ${name}: ${shown(before)} → ${shown(after)}`),
    ]),
    ...(table.withheld === 0 ? [] : [`    ${count(table.withheld)} of the first rows are not for this key: it is of one tenant`]),
    ...(more > 0 && more < differing ? [`    … and ${count(more)} more`] : []),
  ];
}

export function differenceLines(projection: string, difference: ModelDifferenceView): readonly string[] {
  const { equal, servingVersion, rebuiltVersion, tables, tablesOnlyServing, tablesOnlyRebuilt } = difference;
  return [
    equal
      ? `${projection}: the code (version ${rebuiltVersion}) makes the same rows as those that serve (version ${servingVersion}).`
      : `${projection}: the code (version ${rebuiltVersion}) makes other rows than those that serve (version ${servingVersion}).`,
    ...tables.flatMap(tableLines),
    ...tablesOnlyServing.map((name) => `  ${name}: no longer there`),
    ...tablesOnlyRebuilt.map((name) => `  ${name}: new`),
  ];
}
