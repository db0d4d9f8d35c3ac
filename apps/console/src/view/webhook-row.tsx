import { useState } from 'react';
import type { Api } from '../model/api.ts';
import { formatMoment } from '../model/time.ts';
import { standingOf, wishesOf, type Webhook } from '../model/webhooks.ts';
import { DeliveryList } from './delivery-list.tsx';
import { EventsLink } from './events-link.tsx';
import { TypedConfirm } from './typed-confirm.tsx';

export interface WebhookVerbs {
  test(webhook: Webhook): void;
  enable(webhook: Webhook, enabled: boolean): void;
  rotate(webhook: Webhook): void;
  remove(webhook: Webhook): void;
}

interface WebhookRowProps {
  readonly api: Api;
  readonly webhook: Webhook;
  readonly verbs: WebhookVerbs;
}

export function WebhookRow({ api, webhook, verbs }: WebhookRowProps) {
  const { id, url, description, status, registeredAt, secretNumber, previousSecretUntil } = webhook;
  const [isOpen, setOpen] = useState(false);
  return (
    <details className="node" data-testid={`webhook-${id}`} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        <span className="head">
          <strong className="url">{url}</strong>
          <span className={status === 'enabled' ? 'pill good' : 'pill warn'}>{standingOf(webhook)}</span>
          <span className="label">
            {wishesOf(webhook)}
            {description === '' ? '' : ` · ${description}`}
          </span>
        </span>
      </summary>
      <p className="label">
        {id}, since {formatMoment(registeredAt)}, signed by secret number {secretNumber}
        {previousSecretUntil === null ? '' : ` and the one before until ${formatMoment(previousSecretUntil)}`} · <EventsLink subject={id} />
      </p>
      <div className="row">
        <button type="button" className="btn small" onClick={() => verbs.test(webhook)}>
          Send a test
        </button>
        <button type="button" className="btn small" onClick={() => verbs.enable(webhook, status !== 'enabled')}>
          {status === 'enabled' ? 'Disable' : 'Enable'}
        </button>
        <TypedConfirm word="rotate" label="Rotate secret" onConfirm={() => verbs.rotate(webhook)} />
        <TypedConfirm word="remove" label="Remove" onConfirm={() => verbs.remove(webhook)} />
      </div>
      {isOpen ? <DeliveryList api={api} webhookId={id} /> : null}
    </details>
  );
}
