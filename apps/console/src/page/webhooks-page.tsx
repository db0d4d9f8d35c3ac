import type { Api } from '../model/api.ts';
import { EffectsPanel } from '../view/effects-panel.tsx';
import { WebhookList } from '../view/webhook-list.tsx';

/** What follows from events outside: who is told of them, and what else is done. */
export function WebhooksPage({ api }: { readonly api: Api }) {
  return (
    <main className="page">
      <WebhookList api={api} />
      <EffectsPanel api={api} />
    </main>
  );
}
