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
  /** One sentence for the caller. */
  readonly detail: string;
}

export type Authentication = Authenticated | Unauthenticated;

const unknownCredential = 'This credential is unknown, expired or revoked. Ask for a new API key.';
const details: Partial<Record<RefusalReason, string>> = {
  'no-credential': 'Send an API key: "Authorization: Bearer sk_…".',
  'tenant-suspended': 'Your tenant is suspended. Ask those who run this platform.',
};

export function unauthenticated(reason: RefusalReason, who?: string): Unauthenticated {
  return { refused: true, reason, detail: details[reason] ?? unknownCredential, ...(who === undefined ? {} : { who }) };
}
