import { useCallback, useState } from 'react';
import { useAction } from '../action.tsx';
import type { Api } from '../model/api.ts';
import type { Webhook, WebhookWithSecret } from '../model/webhooks.ts';
import { usePolling } from '../polling.tsx';
import { Copyable } from './copyable.tsx';
import { Problem, Waiting } from './problem.tsx';
import { WebhookForm } from './webhook-form.tsx';
import { WebhookRow, type WebhookVerbs } from './webhook-row.tsx';

const base = '/api/v1/webhooks';

/** Who is told of events: add one, look at what was delivered, change its secret, remove it. */
export function WebhookList({ api }: { readonly api: Api }) {
  const polled = usePolling(
    useCallback((signal) => api.get<{ items: readonly Webhook[] }>(base, signal), [api]),
    3000,
  );
  const { problem, act } = useAction(polled.refresh);
  const [shown, setShown] = useState<WebhookWithSecret>();
  const verbs: WebhookVerbs = {
    test: ({ id }) => void act(() => api.post(`${base}/${id}/test`, {})),
    enable: ({ id }, enabled) => void act(() => api.patch(`${base}/${id}`, { enabled })),
    rotate: ({ id }) => void act(async () => setShown(await api.post<WebhookWithSecret>(`${base}/${id}/rotate`, {}))),
    remove: ({ id }) => void act(() => api.delete(`${base}/${id}?reason=console`)),
  };
  const items = polled.value?.items ?? [];
  return (
    <>
      <section className="panel" aria-label="Webhooks">
        <header>
          <h2>Webhooks</h2>
        </header>
        <Waiting polled={polled} />
        <Problem text={problem} />
        {shown === undefined ? null : <SecretOnce webhook={shown} onDone={() => setShown(undefined)} />}
        {polled.value !== undefined && items.length === 0 ? (
          <p className="empty">Nobody is told of events yet. A webhook gets each as a signed call, tried again for a day.</p>
        ) : null}
        {items.map((webhook) => (
          <WebhookRow key={webhook.id} api={api} webhook={webhook} verbs={verbs} />
        ))}
      </section>
      {polled.value === undefined ? null : (
        <WebhookForm
          api={api}
          onCreated={(webhook) => {
            setShown(webhook);
            polled.refresh();
          }}
        />
      )}
    </>
  );
}

function SecretOnce({ webhook: { url, secret, secretNumber, previousSecretUntil }, onDone }: { readonly webhook: WebhookWithSecret; onDone(): void }) {
  return (
    <div className="secret" data-testid="secret">
      <p>
        Secret number {secretNumber} of <strong>{url}</strong>: the receiver verifies signatures with it. It is shown only now.
        {previousSecretUntil === null ? '' : ` The one before signs as well until ${new Date(previousSecretUntil).toLocaleString('en-GB')}.`}
      </p>
      <Copyable label="Signing secret" text={secret} />
      <div>
        <button type="button" className="btn small" onClick={onDone}>
          I have stored the secret
        </button>
      </div>
    </div>
  );
}
