import { allows, type Principal } from '#domain/access';
import type { CommandMeta } from '#runtime';
import { badRequest, ProblemError } from '../http/problem.errors.ts';

/** Who asks, and how that is put on record. */
export interface Reviewer extends CommandMeta {
  readonly principal: Principal;
}

/** Whether personal data is shown: to admins who say why. @throws ProblemError 403 for others who ask */
export function mayReveal(reveal: string | undefined, { principal }: Pick<Reviewer, 'principal'>): boolean {
  if (reveal === undefined) return false;
  if (allows(principal, 'admin')) return true;
  throw new ProblemError({ status: 403, code: 'personal-data', detail: 'Personal data is shown to keys with the scope admin alone.' });
}

/** Who may not see something must not find out by asking for it. */
export function personalQuestion(field: string): ProblemError {
  const message = 'This is personal: ask by REST with a reason (reveal) and the scope admin.';
  return badRequest('personal-data', `${field}: ${message}`, [{ field, message }]);
}
