import { expect } from '@jest/globals';
import type { Answer } from './http-client.ts';

type Headers = Readonly<Record<string, string>>;

interface Owner {
  readonly headers: Headers;
  readonly webhookId: string;
}

/** What a test of tenants has at hand. */
export interface TenantBench {
  readonly acme: Owner;
  readonly globex: Owner;
  readonly platform: Headers;
  as(headers: Headers, method: string, path: string, body?: unknown): Promise<Answer>;
  expectNothingForeign(answer: Answer): void;
  expectAbsent(ask: (id: string) => Promise<Answer>, foreign: string, absent: string): Promise<void>;
}

/** What is the platform's own about effects. */
export const effectOperations = [
  ['listEffects', 'GET', '/api/v1/effects'],
  ['retryEffect', 'POST', `/api/v1/effects/ef-${'0'.repeat(32)}/retry`],
  ['listReactors', 'GET', '/api/v1/reactors'],
  ['resetReactor', 'POST', '/api/v1/reactors/webhooks/reset'],
] as const;

const ofOne = [
  ['showWebhook', 'GET', ''],
  ['changeWebhook', 'PATCH', '', { description: 'mine now' }],
  ['rotateWebhookSecret', 'POST', '/rotate', {}],
  ['removeWebhook', 'DELETE', ''],
  ['testWebhook', 'POST', '/test'],
  ['listWebhookDeliveries', 'GET', '/deliveries'],
  ['redeliverToWebhook', 'POST', `/deliveries/ef-${'0'.repeat(32)}/redeliver`, {}],
] as const;

/** What webhooks keep from other tenants, by the operation's id. */
export function webhookProbes(bench: () => TenantBench): Readonly<Record<string, () => Promise<void>>> {
  const each = ofOne.map(([id, method, path, body]) => [
    id,
    async () => {
      const { as, acme, globex, expectAbsent } = bench();
      await expectAbsent((webhook) => as(acme.headers, method, `/api/v1/webhooks/${webhook}${path}`, body), globex.webhookId, 'wh-aaaaaaaaaaaaaaaa');
      const { json } = await as(globex.headers, 'GET', `/api/v1/webhooks/${globex.webhookId}`);
      expect(json).toMatchObject({ status: 'enabled', description: '', secretNumber: 1 });
    },
  ]);
  return {
    registerWebhook: async () => {
      const { as, acme, globex, expectNothingForeign } = bench();
      const answer = await as(acme.headers, 'POST', '/api/v1/webhooks', { url: 'https://acme.example/other' });
      expectNothingForeign(answer);
      expect((await as(globex.headers, 'GET', `/api/v1/webhooks/${answer.json.id}`)).status).toBe(404);
      expect((await as(acme.headers, 'GET', `/api/v1/webhooks/${answer.json.id}`)).text).toContain('https://acme.example/other');
    },
    listWebhooks: async () => {
      const { as, acme, globex, platform, expectNothingForeign } = bench();
      const answer = await as(acme.headers, 'GET', '/api/v1/webhooks');
      expectNothingForeign(answer);
      expect(answer.text).toContain(acme.webhookId);
      expect((await as(platform, 'GET', '/api/v1/webhooks')).text).toContain(globex.webhookId);
    },
    ...Object.fromEntries(each),
  };
}
