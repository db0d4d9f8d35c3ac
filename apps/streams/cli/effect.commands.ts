import type { CommandContext } from './context.ts';
import { table } from './table.ts';

export interface AddWebhookOptions {
  readonly description?: string;
  readonly context?: readonly string[];
  readonly type?: readonly string[];
  readonly subject?: string;
}

interface WebhookView {
  readonly id: string;
  readonly url: string;
  readonly description: string;
  readonly status: string;
  readonly disabledBecause: string | null;
  readonly types: readonly string[] | null;
  readonly contexts: readonly string[] | null;
}

interface DeliveryView {
  readonly id: string;
  readonly eventType: string;
  readonly state: string;
  readonly attempts: number;
  readonly lastError: string | null;
  readonly createdAt: string;
  readonly nextTryAt: string | null;
}

export interface ReactorView {
  readonly name: string;
  readonly version: number;
  readonly lagEvents: number;
  readonly resets: number;
  readonly trouble: { readonly message: string } | null;
}

export interface ReactorsView {
  readonly items: readonly ReactorView[];
  readonly backlog: ReadonlyArray<{ readonly kind: string; readonly pending: number; readonly oldestAt: string }>;
}

const pathOf = (id: string, more = ''): string => `/api/v1/webhooks/${encodeURIComponent(id)}${more}`;

export async function addWebhook({ api, print }: CommandContext, url: string, { description, context, type, subject }: AddWebhookOptions): Promise<void> {
  const body = { url, description, contexts: context, types: type, subject };
  const webhook = await api.call<WebhookView & { readonly secret: string }>('POST', '/api/v1/webhooks', body);
  print(webhook, () => [`Webhook ${webhook.id} delivers to ${webhook.url}. It signs with:`, `  ${webhook.secret}   (shown this once)`]);
}

export async function listWebhooks({ api, print }: CommandContext): Promise<void> {
  const page = await api.call<{ readonly items: readonly WebhookView[] }>('GET', '/api/v1/webhooks');
  print(page, () =>
    table(
      ['ID', 'STATE', 'EVENTS', 'URL'],
      page.items.map((one) => [
        one.id,
        one.disabledBecause === null ? one.status : `${one.status} (${one.disabledBecause})`,
        one.types?.join(',') ?? one.contexts?.join(',') ?? 'all',
        one.url,
      ]),
    ),
  );
}

export async function removeWebhook({ api, print }: CommandContext, id: string, { reason }: { readonly reason?: string }): Promise<void> {
  await api.call('DELETE', `${pathOf(id)}${reason === undefined ? '' : `?${new URLSearchParams({ reason })}`}`);
  print({ id, removed: true }, () => [`Webhook ${id} is removed; what waits for it is not delivered.`]);
}

export async function setWebhook({ api, print }: CommandContext, id: string, enabled: boolean): Promise<void> {
  const webhook = await api.call<WebhookView>('PATCH', pathOf(id), { enabled });
  print(webhook, () => [`Webhook ${webhook.id} is ${webhook.status}.`]);
}

export async function rotateWebhook({ api, print }: CommandContext, id: string, { overlap }: { readonly overlap: number }): Promise<void> {
  const rotated = await api.call<{ readonly id: string; readonly secret: string }>('POST', pathOf(id, '/rotate'), { overlapSeconds: overlap });
  print(rotated, () => [
    `Webhook ${rotated.id} signs with a new secret; the one before signs as well for ${overlap} s:`,
    `  ${rotated.secret}   (shown this once)`,
  ]);
}

export async function testWebhook({ api, print }: CommandContext, id: string): Promise<void> {
  const test = await api.call<{ readonly eventId: string }>('POST', pathOf(id, '/test'));
  print(test, () => [`The event ${test.eventId} is on its way; see: streams webhook deliveries ${id}`]);
}

export async function showDeliveries(
  { api, print }: CommandContext,
  id: string,
  { state, limit }: { readonly state?: string; readonly limit: number },
): Promise<void> {
  const query = new URLSearchParams({ limit: String(limit), ...(state === undefined ? {} : { state }) });
  const page = await api.call<{ readonly items: readonly DeliveryView[] }>('GET', pathOf(id, `/deliveries?${query}`));
  print(page, () =>
    table(
      ['DELIVERY', 'STATE', 'TRIES', 'EVENT', 'SINCE', 'NOTE'],
      page.items.map((one) => [
        one.id,
        one.state,
        String(one.attempts),
        one.eventType,
        one.createdAt,
        `${one.lastError ?? ''}${one.nextTryAt === null ? '' : ` next ${one.nextTryAt}`}`.trim(),
      ]),
    ),
  );
}

export async function redeliver({ api, print }: CommandContext, id: string, delivery: string, reason: string): Promise<void> {
  const asked = await api.call<{ readonly id: string }>('POST', pathOf(id, `/deliveries/${encodeURIComponent(delivery)}/redeliver`), { reason });
  print(asked, () => [`${asked.id} is delivered once more.`]);
}

/** What somebody should see to. */
export function reactorNotes(reactors: readonly ReactorView[]): readonly string[] {
  return reactors.flatMap(({ trouble }) => (trouble === null ? [] : [trouble.message]));
}

export async function listReactors({ api, print }: CommandContext): Promise<void> {
  const found = await api.call<ReactorsView>('GET', '/api/v1/reactors');
  print(found, () => [
    ...table(
      ['REACTOR', 'VERSION', 'BEHIND', 'RESETS', 'NOTE'],
      found.items.map((one) => [one.name, String(one.version), String(one.lagEvents), String(one.resets), one.trouble === null ? '' : 'stands still']),
    ),
    ...reactorNotes(found.items),
    ...found.backlog.map(({ kind, pending, oldestAt }) => `${pending} of ${kind} to be performed, the oldest since ${oldestAt}`),
  ]);
}

export async function resetReactor(
  { api, print }: CommandContext,
  name: string,
  { from, reason }: { readonly from: string; readonly reason: string },
): Promise<void> {
  const reset = await api.call<{ readonly name: string; readonly number: number }>('POST', `/api/v1/reactors/${encodeURIComponent(name)}/reset`, {
    from,
    reason,
  });
  print(reset, () => [`Reactor ${reset.name} reads from ${from} within a few seconds; this is its reset number ${reset.number}.`]);
}
