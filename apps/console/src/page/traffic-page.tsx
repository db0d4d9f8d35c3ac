import { useCallback, useState } from 'react';
import { ApiError, type Api } from '../model/api.ts';
import { formatBitrate, formatBytes, formatRatio } from '../model/format.ts';
import { lineOf, shortNumber, spans, stepsOf, type PopularObjects, type Traffic } from '../model/traffic.ts';
import type { MappedEdge } from '../model/traffic-map.ts';
import type { PurgeView } from '../model/types.ts';
import { usePolling } from '../polling.tsx';
import { Waiting } from '../view/problem.tsx';
import { TrafficMap } from '../view/traffic-map.tsx';
import { TimeChart, type Mark } from '../view/time-chart.tsx';
import '../traffic-page.css';

interface Answers {
  readonly edges: Traffic;
  readonly regions: Traffic;
  readonly statuses: Traffic;
  readonly all: Traffic;
  readonly objects: PopularObjects;
  readonly purges: readonly PurgeView[];
  /** Undefined where the key may not see them: they are the platform's. */
  readonly fleet: readonly MappedEdge[] | undefined;
}

const edgesShown = 6;
const purgesMax = 100;

/** Everything of one time, so that the charts lie over each other. */
async function answersOf(api: Api, spanMs: number, signal: AbortSignal): Promise<Answers> {
  const until = Date.now();
  const time = `from=${until - spanMs}&until=${until}`;
  const traffic = (groupBy: string): Promise<Traffic> => api.get(`/api/v1/cdn/analytics/traffic?${time}${groupBy}`, signal);
  const fleet = api.get<{ readonly items: readonly MappedEdge[] }>('/api/v1/cdn/edges', signal).catch((error: unknown) => {
    if (error instanceof ApiError && (error.status === 403 || error.status === 404)) return undefined;
    throw error;
  });
  const [all, edges, regions, statuses, objects, purges, shown] = await Promise.all([
    traffic(''),
    traffic('&groupBy=edge'),
    traffic('&groupBy=region'),
    traffic('&groupBy=status'),
    api.get<PopularObjects>(`/api/v1/cdn/analytics/objects?${time}&limit=15`, signal),
    api.get<{ readonly items: readonly PurgeView[] }>(`/api/v1/cdn/purges?limit=${purgesMax}`, signal),
    fleet,
  ]);
  return { all, edges, regions, statuses, objects, purges: purges.items, fleet: shown?.items };
}

/** What the edges answer: how much, how quickly, how often from the cache, and what was purged meanwhile. */
export function TrafficPage({ api }: { readonly api: Api }) {
  const [spanMs, setSpanMs] = useState<number>(spans[0].ms);
  const polled = usePolling(
    useCallback((signal) => answersOf(api, spanMs, signal), [api, spanMs]),
    10_000,
  );
  const answers = polled.value;
  return (
    <main className="page traffic">
      <section className="panel" aria-label="Traffic">
        <header>
          <h2>Traffic</h2>
          <span className="gap" />
          {spans.map(({ ms, name }) => (
            <button key={name} type="button" className="btn" aria-pressed={ms === spanMs} onClick={() => setSpanMs(ms)}>
              {name}
            </button>
          ))}
        </header>
        <Waiting polled={polled} />
        {answers === undefined ? null : <Charts {...answers} />}
      </section>
      {answers === undefined ? null : <TrafficMap edges={answers.fleet} traffic={answers.edges} />}
      {answers === undefined ? null : <Regions regions={answers.regions} />}
      {answers === undefined ? null : <Objects items={answers.objects.items} />}
    </main>
  );
}

function marksOf(purges: readonly PurgeView[], steps: readonly number[]): readonly Mark[] {
  const first = steps[0] ?? 0;
  return purges.flatMap(({ id, reason, requestedAt, total }) => {
    const atMs = requestedAt === null ? 0 : Date.parse(requestedAt);
    return atMs < first ? [] : [{ atMs: Math.min(atMs, steps.at(-1) ?? atMs), title: `${id}: ${total} purged${reason === '' ? '' : `, ${reason}`}` }];
  });
}

function Charts({ all, edges, purges, statuses }: Answers) {
  const steps = stepsOf(all);
  const { totals } = all;
  const marks = marksOf(purges, steps);
  const common = { steps, marks };
  const perSecond = (count: number | null, seconds: number): number => (count ?? 0) / seconds;
  return (
    <>
      <dl className="figures" data-testid="traffic-totals">
        <div>
          <dt>requests</dt>
          <dd>{totals.requests.toLocaleString('en')}</dd>
        </div>
        <div>
          <dt>bytes</dt>
          <dd>{formatBytes(totals.bytes ?? 0)}</dd>
        </div>
        <div>
          <dt>hits</dt>
          <dd>{formatRatio(totals.hitRatio)}</dd>
        </div>
        <div>
          <dt>purges</dt>
          {/* The newest alone are asked for. */}
          <dd>{marks.length < purgesMax ? marks.length : `${purgesMax} or more`}</dd>
        </div>
      </dl>
      {totals.requests === 0 ? <p className="empty">No edge answered anything in this time.</p> : null}
      <div className="charts">
        <TimeChart {...common} title="Requests a second" format={shortNumber} lines={[lineOf(all, 'all', (of, seconds) => perSecond(of.requests, seconds))]} />
        <TimeChart {...common} title="Bandwidth" format={formatBitrate} lines={[lineOf(all, 'sent', (of, seconds) => 8 * perSecond(of.bytes, seconds))]} />
        <TimeChart
          {...common}
          title="Hits by edge"
          most={1}
          format={formatRatio}
          lines={edges.groups.slice(0, edgesShown).map(({ group, name }) => lineOf(edges, name, (of) => of.hitRatio, { group, none: null }))}
        />
        <TimeChart
          {...common}
          title="Answers a second by status"
          format={shortNumber}
          lines={statuses.groups.map(({ group, name }) => lineOf(statuses, name, (of, seconds) => perSecond(of.requests, seconds), { group }))}
        />
        <TimeChart
          {...common}
          title="Time to the answer"
          format={(ms) => `${shortNumber(ms)} ms`}
          lines={(['p50', 'p95', 'p99'] as const).map((name) => lineOf(all, name, (of) => of.latencyMs?.[name] ?? null, { none: null }))}
        />
      </div>
    </>
  );
}

function Regions({ regions }: { readonly regions: Traffic }) {
  const most = Math.max(1, ...regions.groups.map(({ figures }) => figures.requests));
  return (
    <section className="panel" aria-label="Regions">
      <header>
        <h2>Regions</h2>
      </header>
      {regions.groups.length === 0 ? <p className="empty">No region answered anything in this time.</p> : null}
      {regions.groups.map(({ figures, group, name }) => (
        <div className="node" key={group}>
          <div className="head">
            <strong>{name}</strong>
            <span className="ratio">{formatRatio(figures.hitRatio)}</span>
          </div>
          <div className="bar" role="img" aria-label={`${name}: ${figures.requests} requests`}>
            <span style={{ width: `${(100 * figures.requests) / most}%` }} />
          </div>
          <span className="label">
            {figures.requests.toLocaleString('en')} requests · {formatBytes(figures.bytes ?? 0)}
            {figures.latencyMs === null ? '' : ` · p95 ${figures.latencyMs.p95} ms`}
          </span>
        </div>
      ))}
    </section>
  );
}

function Objects({ items }: PopularObjects) {
  return (
    <section className="panel" aria-label="Popular objects">
      <header>
        <h2>Asked for most</h2>
      </header>
      {items.length === 0 ? <p className="empty">Nothing was asked for that the cache could answer.</p> : null}
      {items.length === 0 ? null : (
        <table className="objects">
          <thead>
            <tr>
              <th>Requests</th>
              <th>Bytes</th>
              <th>Site</th>
              <th>Object</th>
            </tr>
          </thead>
          <tbody>
            {items.map(({ bytes, host, path, requests, zoneName }) => (
              <tr key={`${zoneName} ${host} ${path}`}>
                <td>{requests.toLocaleString('en')}</td>
                <td>{formatBytes(bytes)}</td>
                <td>{zoneName}</td>
                <td>
                  <code>
                    {host}
                    {path}
                  </code>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}
