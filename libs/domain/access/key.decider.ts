import { contexts, keyIssued, keyRevoked, keyRotated, type Context, type DraftOf, type KeyEventDefinition } from '#events';
import { accept, refuse, unreachable, type Decider, type Decision } from '#kernel';
import { scopesIn, type Scope } from './scope.core.ts';
import { defaultTenant, everyTenant, isTenantId } from './tenant.core.ts';

/** What a key may do, and for how long. */
export interface KeyGrant {
  readonly name: string;
  readonly scopes: readonly Scope[];
  /** A tenant's id, or `*` for every tenant. */
  readonly tenant: string;
  /** Event contexts; null for all of them. */
  readonly contexts: readonly Context[] | null;
  /** 0 for never. */
  readonly expiresAtMs: number;
  /** Calls per minute; null for what the platform grants. */
  readonly ratePerMinute: number | null;
}

export interface IssueKey extends KeyGrant {
  readonly type: 'IssueKey';
  readonly keyId: string;
  /** SHA-256 of the secret, hex. */
  readonly secretHash: string;
}

export interface RotateKey {
  readonly type: 'RotateKey';
  readonly keyId: string;
  readonly secretHash: string;
  readonly nowMs: number;
  /** How long the secret before goes on working, ms. */
  readonly overlapMs: number;
  readonly reason: string;
}

export interface RevokeKey {
  readonly type: 'RevokeKey';
  readonly keyId: string;
  readonly reason: string;
}

export type KeyCommand = IssueKey | RotateKey | RevokeKey;
export type KeyDraft = DraftOf<KeyEventDefinition>;

interface IssuedKey extends KeyGrant {
  readonly keyId: string;
  readonly secretHash: string;
  /** The secret before the last rotation. */
  readonly previous?: { readonly secretHash: string; readonly untilMs: number };
}

export type KeyState = { readonly status: 'absent' } | (IssuedKey & { readonly status: 'active' }) | (IssuedKey & { readonly status: 'revoked' });

export const overlapMsMax = 604_800_000;
export const ratePerMinuteMax = 10_000_000;

function grantProblem(grant: KeyGrant): { readonly code: string; readonly message: string } | undefined {
  const { name, scopes, tenant, contexts, ratePerMinute } = grant;
  if (name.trim() === '' || name.length > 200) return { code: 'invalid-name', message: 'name: A name has 1 to 200 characters.' };
  if (scopes.length === 0) return { code: 'invalid-scopes', message: 'scopes: A key needs at least one scope.' };
  if (tenant !== everyTenant && !isTenantId(tenant)) return { code: 'invalid-tenant', message: 'tenant: A tenant is named by a-z, 0-9 and "-".' };
  if (contexts?.length === 0) return { code: 'invalid-contexts', message: 'contexts: A key needs at least one context, or all of them.' };
  if (ratePerMinute !== null && !(Number.isInteger(ratePerMinute) && ratePerMinute >= 1 && ratePerMinute <= ratePerMinuteMax))
    return { code: 'invalid-rate', message: `ratePerMinute: A rate is 1 to ${ratePerMinuteMax} calls.` };
  return undefined;
}

function issue(command: IssueKey, state: KeyState): Decision<KeyDraft> {
  if (state.status !== 'absent') return refuse('key-exists', `The key ${command.keyId} exists already.`);
  const problem = grantProblem(command);
  if (problem !== undefined) return refuse(problem.code, problem.message);
  const { keyId, name, secretHash, tenant, expiresAtMs, ratePerMinute } = command;
  const scopes = [...new Set(command.scopes)];
  const contexts = command.contexts === null ? null : [...new Set(command.contexts)];
  return accept<KeyDraft>(keyIssued.draft({ keyId, name, secretHash, scopes, expiresAtMs, tenant, contexts, ratePerMinute }));
}

function rotate({ keyId, secretHash, nowMs, overlapMs, reason }: RotateKey, state: KeyState): Decision<KeyDraft> {
  if (state.status === 'absent') return refuse('unknown-key', `There is no key ${keyId}.`);
  if (state.status === 'revoked') return refuse('key-revoked', `The key ${keyId} is revoked. Issue a new one.`);
  if (!isUsable(state, nowMs)) return refuse('key-expired', `The key ${keyId} has expired. Issue a new one.`);
  if (!(overlapMs >= 0 && overlapMs <= overlapMsMax)) return refuse('invalid-overlap', `overlapSeconds: An overlap is 0 to ${overlapMsMax / 1000} seconds.`);
  return accept<KeyDraft>(keyRotated.draft({ keyId, secretHash, previousUntilMs: nowMs + overlapMs, reason }));
}

function decide(command: KeyCommand, state: KeyState): Decision<KeyDraft> {
  switch (command.type) {
    case 'IssueKey':
      return issue(command, state);
    case 'RotateKey':
      return rotate(command, state);
    case 'RevokeKey':
      if (state.status === 'absent') return refuse('unknown-key', `There is no key ${command.keyId}.`);
      return state.status === 'revoked' ? accept<KeyDraft>() : accept<KeyDraft>(keyRevoked.draft({ keyId: command.keyId, reason: command.reason }));
    default:
      return unreachable(command);
  }
}

/** Scopes and contexts that this version knows; null, for all contexts, is never what is left of some. */
function knownOf(issued: { readonly scopes: readonly string[]; readonly contexts: readonly string[] | null }): Pick<KeyGrant, 'scopes' | 'contexts'> {
  const { contexts: named } = issued;
  return { scopes: scopesIn(issued.scopes), contexts: named === null ? null : contexts.filter((context) => named.includes(context)) };
}

function evolve(state: KeyState, event: KeyDraft): KeyState {
  if (event.type === keyIssued.type) return { status: 'active', ...event.data, ...knownOf(event.data) };
  if (state.status === 'absent') return state;
  if (event.type === keyRevoked.type) return { ...state, status: 'revoked' };
  const { secretHash, previousUntilMs } = event.data;
  return { ...state, secretHash, previous: { secretHash: state.secretHash, untilMs: previousUntilMs } };
}

/** A state as a head of any version holds it: those written before there were tenants lack what came with them. */
export function keyStateOf(stored: unknown): KeyState {
  const state = stored as KeyState;
  if (state.status === 'absent') return state;
  return { ...state, tenant: state.tenant ?? defaultTenant, contexts: state.contexts ?? null, ratePerMinute: state.ratePerMinute ?? null };
}

/** True when the key can be used at `nowMs`. */
export function isUsable(state: KeyState, nowMs: number): state is IssuedKey & { readonly status: 'active' } {
  return state.status === 'active' && (state.expiresAtMs === 0 || nowMs < state.expiresAtMs);
}

/** Hashes of the secrets that open the key at `nowMs`, the newest first. */
export function secretHashesOf(state: IssuedKey, nowMs: number): readonly string[] {
  const { secretHash, previous } = state;
  return previous !== undefined && nowMs < previous.untilMs ? [secretHash, previous.secretHash] : [secretHash];
}

export const keyDecider: Decider<KeyState, KeyCommand, KeyDraft> = { initialState: { status: 'absent' }, decide, evolve };

export const keyAggregate = { context: 'access', decider: keyDecider } as const;
