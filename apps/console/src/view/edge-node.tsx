import { saysWhy } from '#kernel';
import { useState } from 'react';
import type { Api } from '../model/api.ts';
import { formatBytes, formatRatio } from '../model/format.ts';
import type { EdgeHealth } from '../model/types.ts';
import { EventsLink } from './events-link.tsx';
import { Problem } from './problem.tsx';
import { TypedConfirm } from './typed-confirm.tsx';

/** What it sends, holds and works, and of how much where its operator said. */
function loadText({ bitsPerSecondMax, connectionsMax, load }: EdgeHealth): string {
  if (load === null) return 'no report yet';
  const rate = (bits: number): string => `${(bits / 1e6).toFixed(1)} Mbit/s`;
  const of = (value: string, max: string | undefined): string => (max === undefined ? value : `${value} of ${max}`);
  return [
    of(rate(load.bitsPerSecond), bitsPerSecondMax === null ? undefined : rate(bitsPerSecondMax)),
    ...(load.connections === null ? [] : [of(`${load.connections} connections`, connectionsMax?.toLocaleString('en'))]),
    ...(load.cpu === null ? [] : [`${load.cpu.toFixed(2)} processors`]),
    ...(load.behindMs === 0 ? [] : [`${Math.round(load.behindMs / 1000)} s behind with purges`]),
    ...(load.sharedTier === 'away' ? ['shared tier left alone'] : load.sharedTier === 'full' ? ['shared tier full'] : []),
  ].join(' · ');
}

const tones: Partial<Record<EdgeHealth['status'], string>> = { up: 'pill good', removed: 'pill' };

/** An edge: how it is, what it has to do, and what can be done about it. */
export function EdgeNode({ api, edge }: { readonly api: Api; readonly edge: EdgeHealth }) {
  return (
    <div className="node" data-testid={`edge-${edge.id}`}>
      <div className="head">
        <strong>{edge.id}</strong>
        <span className={tones[edge.status] ?? 'pill warn'}>{edge.status}</span>
        <EventsLink subject={edge.id} />
        <span className="ratio">{formatRatio(edge.hitRatio)}</span>
      </div>
      <div className="bar" role="img" aria-label={`hit ratio ${formatRatio(edge.hitRatio)}`}>
        <span style={{ width: `${(edge.hitRatio ?? 0) * 100}%` }} />
      </div>
      <span className="label">
        {edge.reason === null ? '' : `${edge.reason} · `}
        {edge.requests.toLocaleString('en')} requests · {formatBytes(edge.bytesServed)} served · {edge.objects.toLocaleString('en')} objects,{' '}
        {formatBytes(edge.memoryBytes)} in memory · {edge.region ?? 'no region'} · {loadText(edge)}
        {edge.mirroredFrom === null ? '' : `, an edge of ${edge.mirroredFrom}: purges get there by its mirror, and are not waited for`}
      </span>
      {edge.mirroredFrom === null ? <EdgeOrders api={api} edge={edge} /> : null}
    </div>
  );
}

type Order = 'drain' | 'resume' | 'remove';

/** What is offered is what changes something. */
export function ordersOf(status: EdgeHealth['status']): readonly Order[] {
  if (status === 'removed') return ['resume'];
  return status === 'draining' ? ['resume', 'remove'] : ['drain', 'remove'];
}

const labels: Readonly<Record<Order, string>> = { drain: 'Drain', resume: 'Resume', remove: 'Remove' };

function EdgeOrders({ api, edge }: { readonly api: Api; readonly edge: EdgeHealth }) {
  const [reason, setReason] = useState('');
  const [told, setTold] = useState<string>();
  const [problem, setProblem] = useState<string>();
  const give = async (order: Order): Promise<void> => {
    setProblem(undefined);
    setTold(undefined);
    try {
      const { standing } = await api.post<{ standing: string }>(`/api/v1/cdn/edges/${encodeURIComponent(edge.id)}/${order}`, { reason });
      setReason('');
      setTold(`${edge.id} is ${standing} from now on.`);
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    }
  };
  return (
    <details>
      <summary>Operate</summary>
      <label className="field">
        <span className="label">Why, for the record</span>
        <input value={reason} onChange={(event) => setReason(event.target.value)} />
      </label>
      <div className="row">
        {ordersOf(edge.status).map((order) => (
          <TypedConfirm key={order} word={edge.id} label={labels[order]} disabled={!saysWhy(reason)} onConfirm={() => void give(order)} />
        ))}
      </div>
      {problem === undefined ? null : <Problem text={problem} />}
      {told === undefined ? null : (
        <p className="note" role="status">
          {told}
        </p>
      )}
    </details>
  );
}
