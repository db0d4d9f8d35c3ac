import { useCallback, useState } from 'react';
import { useAction } from '../action.tsx';
import type { Api } from '../model/api.ts';
import { deliveryStates, type Delivery, type DeliveryState } from '../model/webhooks.ts';
import { usePolling } from '../polling.tsx';
import { EffectRow } from './effect-row.tsx';
import { Problem, Waiting } from './problem.tsx';

/** What was delivered to a webhook and what was not, the newest first, with every try. */
export function DeliveryList({ api, webhookId }: { readonly api: Api; readonly webhookId: string }) {
  const [state, setState] = useState<DeliveryState>();
  const path = `/api/v1/webhooks/${webhookId}/deliveries`;
  const polled = usePolling(
    useCallback(
      (signal) => api.get<{ items: readonly Delivery[]; nextCursor: string | null }>(`${path}?limit=20${state === undefined ? '' : `&state=${state}`}`, signal),
      [api, path, state],
    ),
    1500,
  );
  const { problem, act } = useAction(polled.refresh);
  const items = polled.value?.items ?? [];
  return (
    <section aria-label="Deliveries">
      <div className="chips" role="group" aria-label="State of deliveries">
        <button type="button" aria-pressed={state === undefined} onClick={() => setState(undefined)}>
          all
        </button>
        {deliveryStates.map((one) => (
          <button type="button" key={one} aria-pressed={state === one} onClick={() => setState(one)}>
            {one}
          </button>
        ))}
      </div>
      <Waiting polled={polled} />
      <Problem text={problem} />
      {polled.value !== undefined && items.length === 0 ? (
        <p className="empty">Nothing{state === undefined ? ' was to be delivered yet' : ` is ${state}`}.</p>
      ) : null}
      {items.map((delivery) => (
        <EffectRow
          key={delivery.id}
          effect={delivery}
          label="Redeliver"
          onAgain={() => void act(() => api.post(`${path}/${delivery.id}/redeliver`, { reason: 'console' }))}
        />
      ))}
      {polled.value === undefined || polled.value.nextCursor === null ? null : (
        <p className="label">There are more; `streams webhook deliveries` has them all.</p>
      )}
    </section>
  );
}
