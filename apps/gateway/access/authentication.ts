import type { Principal } from '#domain/access';

/** Why somebody was not let in; goes into logs and events, not to the caller, who learns no more than the detail. */
export type RefusalReason =
  | 'no-credential'
  | 'malformed'
  | 'unknown-key'
  | 'wrong-secret'
  | 'revoked'
  | 'expired'
  | 'token-invalid'
  | 'unknown-tenant'
  | 'tenant-suspended';

export interface Authenticated {
  readonly refused: false;
  readonly principal: Principal;
  /** What only this principal can know; lives no longer than the request. */
  readonly proof: string;
}

export interface Unauthenticated {
  readonly refused: true;
  readonly reason: RefusalReason;
  /** Who it claimed to be, when there is such a one. */
  readonly who?: string;
  /** Whose credential it is, when that is certain. */
  readonly tenant?: string;
  /** A sentence or two for the caller. */
  readonly detail: string;
}

export type Authentication = Authenticated | Unauthenticated;

const unknownCredential = 'This credential is unknown, expired or revoked. Ask for a new API key.';
const details: Partial<Record<RefusalReason, string>> = {
  'no-credential': 'Send an API key: "Authorization: Bearer sk_…".',
  'unknown-tenant': 'There is no such tenant as this credential is of.',
  'tenant-suspended': 'Your tenant is suspended. Ask those who run this platform.',
};

interface Unproven {
  readonly who?: string;
  /** Whose credential it is, when that is certain. */
  readonly tenant?: string;
  /** When there is more to say than the reason. */
  readonly detail?: string;
}

export function unauthenticated(reason: RefusalReason, { who, tenant, detail }: Unproven = {}): Unauthenticated {
  return {
    refused: true,
    reason,
    detail: detail ?? details[reason] ?? unknownCredential,
    ...(who === undefined ? {} : { who }),
    ...(tenant === undefined ? {} : { tenant }),
  };
}
