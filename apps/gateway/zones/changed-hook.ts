import { secretText } from '#adapters/webhook';
import type { Clock, SecretStore } from '#ports';
import { ProblemError } from '../http/problem.errors.ts';
import { changedBody } from './changed-order.ts';
import { isOfNow, isSignedBy, parsedBody, type SignedCall } from './signed-call.ts';
import type { OwnedZone, ZonePurges } from './zone-purges.ts';

export interface ChangedHookDeps {
  readonly purges: ZonePurges;
  readonly secrets: SecretStore;
  readonly clock: Clock;
}

const secretName = (zoneId: string): string => `zone/${zoneId}/changed`;

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
    const owned = await this.#verified(zoneId, call);
    const { correlationId, id = '' } = call;
    return this.#deps.purges.request(owned, parsedBody(changedBody, call.body), { actor: `zone:${zoneId}`, id, correlationId });
  }

  async #verified(zoneId: string, call: SignedCall): Promise<OwnedZone> {
    const { clock, purges, secrets } = this.#deps;
    if (!isOfNow(call, clock.now())) throw unsigned();
    const owned = await purges.zone(zoneId);
    if (owned === undefined || !isSignedBy(await secrets.secret(secretName(zoneId)), call)) throw unsigned();
    return owned;
  }
}

/** The same for whatever is wrong: nobody learns which zones there are. */
function unsigned(): ProblemError {
  const detail = 'Expected webhook-id, webhook-timestamp of these five minutes and webhook-signature (Standard Webhooks) by the secret of this zone.';
  return new ProblemError({ status: 401, code: 'unauthenticated', detail });
}
