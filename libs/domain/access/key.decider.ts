import { keyIssued, keyRevoked, type AccessEventDefinition, type DraftOf } from '#events';
import { accept, refuse, unreachable, type Decider, type Decision } from '#kernel';
import type { Scope } from './scope.core.ts';

export interface IssueKey {
  readonly type: 'IssueKey';
  readonly keyId: string;
  readonly name: string;
  /** SHA-256 of the secret, hex. */
  readonly secretHash: string;
  readonly scopes: readonly Scope[];
  /** 0 for never. */
  readonly expiresAtMs: number;
}

export interface RevokeKey {
  readonly type: 'RevokeKey';
  readonly keyId: string;
  readonly reason: string;
}

export type KeyCommand = IssueKey | RevokeKey;
export type KeyDraft = DraftOf<AccessEventDefinition>;

interface IssuedKey {
  readonly keyId: string;
  readonly name: string;
  readonly secretHash: string;
  readonly scopes: readonly Scope[];
  readonly expiresAtMs: number;
}

export type KeyState = { readonly status: 'absent' } | (IssuedKey & { readonly status: 'active' }) | (IssuedKey & { readonly status: 'revoked' });

function issue(command: IssueKey, state: KeyState): Decision<KeyDraft> {
  if (state.status !== 'absent') return refuse('key-exists', `The key ${command.keyId} exists already.`);
  const { keyId, name, secretHash, expiresAtMs } = command;
  const scopes = [...new Set(command.scopes)];
  if (name.trim() === '' || name.length > 200) return refuse('invalid-name', 'name: A name has 1 to 200 characters.');
  if (scopes.length === 0) return refuse('invalid-scopes', 'scopes: A key needs at least one scope.');
  return accept<KeyDraft>(keyIssued.draft({ keyId, name, secretHash, scopes, expiresAtMs }));
}

function decide(command: KeyCommand, state: KeyState): Decision<KeyDraft> {
  switch (command.type) {
    case 'IssueKey':
      return issue(command, state);
    case 'RevokeKey':
      if (state.status === 'absent') return refuse('unknown-key', `There is no key ${command.keyId}.`);
      return state.status === 'revoked' ? accept<KeyDraft>() : accept<KeyDraft>(keyRevoked.draft({ keyId: command.keyId, reason: command.reason }));
    default:
      return unreachable(command);
  }
}

function evolve(state: KeyState, event: KeyDraft): KeyState {
  if (event.type === keyIssued.type) return { status: 'active', ...event.data };
  return state.status === 'absent' ? state : { ...state, status: 'revoked' };
}

/** True when the key can be used at `nowMs`. */
export function isUsable(state: KeyState, nowMs: number): state is IssuedKey & { readonly status: 'active' } {
  return state.status === 'active' && (state.expiresAtMs === 0 || nowMs < state.expiresAtMs);
}

export const keyDecider: Decider<KeyState, KeyCommand, KeyDraft> = { initialState: { status: 'absent' }, decide, evolve };

export const keyAggregate = { context: 'access', decider: keyDecider } as const;
