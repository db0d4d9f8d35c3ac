import { useCallback } from 'react';
import type { Api } from '../model/api.ts';
import { formatBytes } from '../model/format.ts';
import type { RetainedTopic, SealedSegment } from '../model/retention.ts';
import { formatMoment } from '../model/time.ts';
import { usePolling } from '../polling.tsx';
import { EventsLink } from './events-link.tsx';
import { Waiting } from './problem.tsx';

interface Placed extends SealedSegment {
  readonly partition: number;
}

/** The sealed segments of a topic: which offsets, from when to when, how large. */
export function SegmentList({ api, topic }: { readonly api: Api; readonly topic: RetainedTopic | undefined }) {
  const name = topic?.topic ?? '';
  const sealed = (topic?.partitions ?? []).filter(({ segments }) => segments > 0).map(({ partition }) => partition);
  const wanted = sealed.join(',');
  const polled = usePolling(
    useCallback(
      async (signal): Promise<readonly Placed[]> => {
        const ask = async (partition: string): Promise<readonly Placed[]> => {
          const { items } = await api.get<{ items: readonly SealedSegment[] }>(`/api/v1/log/${name}/${partition}/segments`, signal);
          return items.map((segment) => ({ ...segment, partition: Number(partition) }));
        };
        return (await Promise.all(wanted.split(',').map(ask))).flat();
      },
      [api, name, wanted],
    ),
    30_000,
  );
  return (
    <div className="scroll" tabIndex={0} role="group" aria-label={`Segments of ${name}`}>
      <Waiting polled={polled} />
      <table className="rows cells">
        <thead>
          <tr>
            {['place', 'offsets', 'records', 'recorded from', 'until', 'sealed', 'size, of', 'blob', 'events'].map((title) => (
              <th key={title} scope="col">
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {(polled.value ?? []).map(({ partition, number, first, end, records, firstAt, lastAt, sealedAt, sizeBytes, rawBytes, cid }) => (
            <tr key={cid} data-testid="segment">
              <th scope="row">
                {name}/{partition} no. {number}
              </th>
              <td>
                {first} – {String(BigInt(end) - 1n)}
              </td>
              <td>{records.toLocaleString('en')}</td>
              <td>{formatMoment(firstAt)}</td>
              <td>{formatMoment(lastAt)}</td>
              <td>{formatMoment(sealedAt)}</td>
              <td>
                {formatBytes(sizeBytes)} of {formatBytes(rawBytes)}
              </td>
              <td title={cid}>{cid}</td>
              <td>
                <EventsLink subject={`${name}/${partition}/sealed/${number}`} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
