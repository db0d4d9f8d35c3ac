import { secretText, signatureOf } from '#adapters/webhook';
import type { Principal } from '#domain/access';
import { purgeAggregate } from '#domain/cache';
import { zoneAggregate, type KnownZone, type ZoneState } from '#domain/edge';
import { base32Of } from '#domain/stream';
import type { PurgeSelector, ZoneConfiguration } from '#events';
import type { AggregateStore, Clock, SecretStore } from '#ports';
import type { CommandExecutor } from '#runtime';
import { timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { derivedId } from '../access/secrets.ts';
import type { PurgeRates } from '../cdn/purge-rates.ts';
import { lineOfText } from '../http/fields.ts';
import { badRequest, ProblemError } from '../http/problem.errors.ts';

export interface ChangedHookDeps {
  readonly aggregates: AggregateStore;
  readonly commands: CommandExecutor;
  readonly secrets: SecretStore;
  readonly rates: PurgeRates;
  readonly clock: Clock;
}

/** What an origin sends, as it came. */
export interface SignedCall {
  readonly id: string | undefined;
  readonly timestamp: string | undefined;
  readonly signatures: string | undefined;
  readonly body: string;
  readonly correlationId: string;
}

/** Standard Webhooks 1.0: what is older, or from further ahead, is refused, ms. */
const toleranceMs = 300_000;
const many = (text: z.ZodType<string>) => z.array(text).max(1000).default([]);

/** What changed: URLs of the zone or paths on all of its hosts, tags, or everything. */
export const changedBody = z.strictObject({
  urls: many(lineOfText.min(1).max(4096)),
  tags: many(lineOfText.min(1).max(256)),
  all: z.boolean().default(false),
  mode: z.enum(['hard', 'soft']).default('hard'),
  reason: lineOfText.max(200).default('the origin says that it changed'),
});

type Changed = z.infer<typeof changedBody>;

const secretName = (zoneId: string): string => `zone/${zoneId}/changed`;

function fits(hosts: readonly string[], name: string): boolean {
  return hosts.some((host) => (host.startsWith('*.') ? name.endsWith(host.slice(1)) : host === name));
}

const literal = (path: string): string => `^${path.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}$`;

/** A path stands for all hosts of the zone; those below a wildcard cannot be named one by one. */
function targetsOf(path: string, zoneId: string, { hosts }: ZoneConfiguration): { readonly urls: string[]; readonly selectors: PurgeSelector[] } {
  const urls = hosts.filter((host) => !host.startsWith('*.')).map((host) => `http://${host}${path}`);
  return urls.length === hosts.length ? { urls, selectors: [] } : { urls: [], selectors: [{ kind: 'regex', value: literal(path), zone: zoneId }] };
}

/** @throws ProblemError 400 for a URL of another host */
function orderOf({ all, mode, reason, tags, urls: named }: Changed, { configuration, zoneId }: KnownZone, tenant: string) {
  const urls: string[] = [];
  const selectors: PurgeSelector[] = tags.map((value) => ({ kind: 'tag', value, tenant }));
  for (const [at, target] of named.entries()) {
    if (target.startsWith('/') && !target.startsWith('//')) {
      const found = targetsOf(target, zoneId, configuration);
      urls.push(...found.urls);
      selectors.push(...found.selectors);
      continue;
    }
    if (!URL.canParse(target) || !fits(configuration.hosts, new URL(target).hostname)) {
      const message = 'Expected a path, or a URL of a host of this zone.';
      throw badRequest('unknown-url', `body.urls.${at}: ${message}`, [{ field: `body.urls.${at}`, message }]);
    }
    urls.push(target);
  }
  if (all) selectors.push({ kind: 'zone', value: zoneId });
  return { urls, selectors, soft: mode === 'soft', dryRun: false, reason };
}

/** Origins say by themselves what changed: signed as the platform's own webhooks are, and made a purge like any other. */
export class ChangedHook {
  readonly #deps: ChangedHookDeps;

  constructor(deps: ChangedHookDeps) {
    this.#deps = deps;
  }

  /** A new secret in place of the one before, as people pass it on. */
  async renew(zoneId: string): Promise<string> {
    await this.#deps.secrets.forget(secretName(zoneId));
    return secretText(await this.#deps.secrets.secret(secretName(zoneId)));
  }

  /**
   * @returns the id of the purge: the same for the same `webhook-id`
   * @throws ProblemError 401 for a signature that is none, and for a zone that is none; 400, 422, 429
   */
  async take(zoneId: string, call: SignedCall): Promise<string> {
    const { clock, commands, rates } = this.#deps;
    const { tenant, zone } = await this.#verified(zoneId, call);
    const order = orderOf(parsed(call.body), zone, tenant);
    if (order.urls.length + order.selectors.length === 0) throw badRequest('nothing-to-purge', 'body: Expected urls, tags or all.');
    const actor = `zone:${zoneId}`;
    const principal: Principal = { kind: 'key', id: actor, actor, tenant, scopes: ['operate'], expiresAtMs: clock.now() };
    await rates.take(order, principal);
    const purgeId = `pg-${base32Of(derivedId('purge', actor, call.id ?? ''))}`;
    const meta = { actor, tenant, confined: true, correlationId: call.correlationId };
    const result = await commands.execute(purgeAggregate, purgeId, { type: 'RequestPurge', purgeId, ...order }, meta);
    if (!result.refused) return purgeId;
    if (result.code === 'another-purge')
      throw new ProblemError({ status: 422, code: 'idempotency-key-reused', detail: 'This webhook-id was used for another message.' });
    throw badRequest(result.code, `body.${result.message}`);
  }

  async #verified(zoneId: string, call: SignedCall): Promise<{ readonly tenant: string; readonly zone: KnownZone }> {
    const { aggregates, clock, secrets } = this.#deps;
    const { id = '', signatures = '', timestamp = '' } = call;
    const seconds = /^\d{1,12}$/.test(timestamp) ? Number(timestamp) : 0;
    if (id === '' || id.length > 255 || Math.abs(clock.now() - seconds * 1000) > toleranceMs) throw unsigned();
    // Names of the other aggregates of this context are none of zones.
    const head = /^zn-[a-z2-7]+$/.test(zoneId) ? await aggregates.load(zoneAggregate.context, zoneId) : undefined;
    const zone = head?.state as ZoneState | undefined;
    if (head === undefined || zone === undefined || zone.status !== 'configured') throw unsigned();
    const expected = Buffer.from(signatureOf({ id, timestamp: seconds, body: call.body }, await secrets.secret(secretName(zoneId))));
    const given = signatures.split(' ', 10).map((signature) => Buffer.from(signature));
    if (!given.some((signature) => signature.length === expected.length && timingSafeEqual(signature, expected))) throw unsigned();
    return { tenant: head.tenant, zone };
  }
}

/** The same for whatever is wrong: nobody learns which zones there are. */
function unsigned(): ProblemError {
  const detail = 'Expected webhook-id, webhook-timestamp of these five minutes and webhook-signature (Standard Webhooks) by the secret of this zone.';
  return new ProblemError({ status: 401, code: 'unauthenticated', detail });
}

function parsed(body: string): Changed {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    throw badRequest('malformed-body', 'The body is no JSON.', [{ field: 'body', message: 'Expected JSON.' }]);
  }
  const result = changedBody.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const field = ['body', ...(issue?.path ?? [])].join('.');
  throw badRequest('invalid-request', `${field}: ${issue?.message}`, [{ field, message: issue?.message ?? '' }]);
}
