import { useCallback, useState } from 'react';
import { useAction } from '../action.tsx';
import type { Api } from '../model/api.ts';
import { formatBytes } from '../model/format.ts';
import { byTopic, type RetainedPartition, type RetainedTopic } from '../model/retention.ts';
import { formatMoment } from '../model/time.ts';
import { usePolling } from '../polling.tsx';
import { EventsLink } from './events-link.tsx';
import { Problem, Waiting } from './problem.tsx';
import { SegmentList } from './segment-list.tsx';
import { TypedConfirm } from './typed-confirm.tsx';

const daySeconds = 86_400;

/** What of the log lies in its engine, what in sealed segments, and why sealing does not go on. */
export function RetentionPanel({ api }: { readonly api: Api }) {
  const polled = usePolling(
    useCallback((signal) => api.get<{ partitions: readonly RetainedPartition[] }>('/api/v1/log', signal), [api]),
    5000,
  );
  const topics = byTopic(polled.value?.partitions ?? []);
  const [open, setOpen] = useState<string>();
  return (
    <section className="panel" aria-label="The log">
      <header>
        <h2>Where the log lies</h2>
      </header>
      <Waiting polled={polled} />
      {polled.value === undefined ? null : (
        <>
          <div className="scroll">
            <table className="rows">
              <thead>
                <tr>
                  <th scope="col">context</th>
                  <th scope="col" className="number">
                    in the engine
                  </th>
                  <th scope="col" className="number">
                    sealed
                  </th>
                  <th scope="col" className="number">
                    segments
                  </th>
                  <th scope="col" className="number">
                    size, of
                  </th>
                  <th scope="col">sealed until</th>
                </tr>
              </thead>
              <tbody>
                {topics.map((topic) => (
                  <TopicRow
                    key={topic.topic}
                    topic={topic}
                    isOpen={open === topic.topic}
                    onToggle={() => setOpen(open === topic.topic ? undefined : topic.topic)}
                  />
                ))}
              </tbody>
            </table>
          </div>
          {topics
            .flatMap(({ partitions }) => partitions)
            .map((partition) => (
              <Standstill key={`${partition.topic}/${partition.partition}`} partition={partition} />
            ))}
          {open === undefined ? null : <SegmentList api={api} topic={topics.find(({ topic }) => topic === open)} />}
          <SealNow api={api} onOrdered={polled.refresh} />
        </>
      )}
    </section>
  );
}

interface TopicRowProps {
  readonly topic: RetainedTopic;
  readonly isOpen: boolean;
  onToggle(): void;
}

function TopicRow({ topic: { topic, hot, segments, sealedRecords, sealedBytes, rawBytes, sealedUntil }, isOpen, onToggle }: TopicRowProps) {
  return (
    <tr data-testid={`log-${topic}`}>
      <td>
        {segments === 0 ? (
          topic
        ) : (
          <button type="button" className="link" aria-expanded={isOpen} onClick={onToggle}>
            {topic}
          </button>
        )}
      </td>
      <td className="number">{hot.toLocaleString('en')}</td>
      <td className="number">{sealedRecords.toLocaleString('en')}</td>
      <td className="number">{segments.toLocaleString('en')}</td>
      <td className="number">{segments === 0 ? '–' : `${formatBytes(sealedBytes)} of ${formatBytes(rawBytes)}`}</td>
      <td>{sealedUntil === null ? '–' : formatMoment(sealedUntil)}</td>
    </tr>
  );
}

function Standstill({ partition: { topic, partition, problem } }: { readonly partition: RetainedPartition }) {
  if (problem === null) return null;
  return (
    <p className="note error">
      {topic}/{partition} is not sealed any further since {formatMoment(problem.at)}: {problem.message} <EventsLink subject={`${topic}/${partition}/sealing`} />
    </p>
  );
}

function SealNow({ api, onOrdered }: { readonly api: Api; onOrdered(): void }) {
  const [days, setDays] = useState('');
  const [ordered, setOrdered] = useState<string>();
  const { problem, act } = useAction(onOrdered);
  const olderThanSeconds = Number(days) * daySeconds;
  const seal = (): void =>
    void act(async () => setOrdered((await api.post<{ id: string }>('/api/v1/log/sealings', { olderThanSeconds, reason: 'console' })).id));
  return (
    <div className="row wrap">
      <label className="field">
        <span className="label">Seal what is older than so many days, whatever the settings say</span>
        <input name="days" type="number" min={0} step="any" value={days} onChange={({ target }) => setDays(target.value)} />
      </label>
      <TypedConfirm word="seal" label="Seal" disabled={days === '' || !(olderThanSeconds >= 0)} onConfirm={seal} />
      <Problem text={problem} />
      {ordered === undefined ? null : (
        <p className="note" role="status">
          It was asked for; the projector does it. <EventsLink subject={ordered} />
        </p>
      )}
    </div>
  );
}
