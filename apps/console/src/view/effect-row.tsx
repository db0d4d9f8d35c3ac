import { routeOf } from '../model/review.ts';
import { formatMoment } from '../model/time.ts';
import type { Delivery, DeliveryState, Try } from '../model/webhooks.ts';
import { OriginLink } from './events-link.tsx';

interface EffectRowProps {
  readonly effect: Delivery;
  /** What is done again, where it is over. */
  readonly label: string;
  onAgain(): void;
}

const pills: Readonly<Record<DeliveryState, string>> = { pending: 'pill live', succeeded: 'pill good', failed: 'pill bad', abandoned: 'pill bad' };

/** Something that followed from an event: how it stands, and every try. */
export function EffectRow({ effect, label, onAgain }: EffectRowProps) {
  const { id, eventId, eventType, state, attempts, lastError, nextTryAt, createdAt, tries } = effect;
  return (
    <details className="node effect" data-testid={`effect-${id}`}>
      <summary>
        <span className="head">
          <strong>{eventType}</strong>
          <span className={pills[state]}>{state}</span>
          <span className="label">
            {formatMoment(createdAt)}, {attempts} {attempts === 1 ? 'try' : 'tries'}
            {nextTryAt === null ? '' : `, next ${formatMoment(nextTryAt)}`}
            {lastError === null || state === 'succeeded' ? '' : `, ${lastError}`}
          </span>
        </span>
      </summary>
      <p className="label">
        {id} ·{' '}
        <a className="events-link" href={routeOf({}, eventId)}>
          the event
        </a>{' '}
        · <OriginLink origin={{ search: { subject: id } }} about={id} />
      </p>
      {tries.length === 0 ? <p className="label">It was not tried yet.</p> : <Tries tries={tries} />}
      {state === 'pending' ? null : (
        <div className="row">
          <button type="button" className="btn small" onClick={onAgain}>
            {label}
          </button>
        </div>
      )}
    </details>
  );
}

function Tries({ tries }: { readonly tries: readonly Try[] }) {
  return (
    <div className="scroll" tabIndex={0} role="group" aria-label="Tries">
      <table className="difference">
        <thead>
          <tr>
            <th scope="col">tried</th>
            <th scope="col">took</th>
            <th scope="col">answer</th>
            <th scope="col">said</th>
          </tr>
        </thead>
        <tbody>
          {tries.map(({ at, durationMs, ok, status, detail }) => (
            <tr key={at} data-testid="try">
              <td>{formatMoment(at)}</td>
              <td>{durationMs.toLocaleString('en')} ms</td>
              <td className={ok ? 'after' : 'before'}>{status ?? 'none'}</td>
              <td>{detail}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
