import type { WarmRefusal } from '../cache/fetching.ts';
import type { Fill, FillOutcome } from '../cache/fill.ts';
import type { WarmFault } from './warm-tally.ts';

const refusals: Readonly<Record<WarmRefusal, string>> = {
  bypass: 'The site says that it is never cached.',
  redirect: 'The site redirects it.',
  local: 'The edge answers it itself.',
  busy: 'The edge has too much to fetch at once.',
};

export function faultOfRefusal(refusal: WarmRefusal): WarmFault {
  return { status: null, reason: refusals[refusal] };
}

type Private = Extract<FillOutcome, { readonly kind: 'private' }>;

const unshared: Readonly<Record<Private['reason'], string>> = {
  method: 'It is not kept.',
  status: 'Answers with this status are not kept.',
  'no-store': 'The origin forbids to keep it (Cache-Control: no-store).',
  private: 'It is for one client alone (Cache-Control: private).',
  authorization: 'It is for those alone who show a credential.',
  'set-cookie': 'It sets a cookie.',
  vary: 'It is another one for each request (Vary: *).',
  partial: 'The origin sent a part of it.',
  'no-lifetime': 'Nothing says how long it may be kept.',
  deception: 'It is not what its name says.',
  'too-large': 'It is too large to be kept in one piece.',
};

const answered = (status: number): string => `The origin answered with status ${status}.`;

/** Of an answer that is here, and is not what was to be fetched; undefined of one that is. */
export function faultOfStored(status: number): WarmFault | undefined {
  return status === 200 ? undefined : { status, reason: `${answered(status)} That is kept for a while.` };
}

/** Why a fill did not bring what others get, too; undefined when it did. */
export async function faultOf(fill: Fill): Promise<WarmFault | undefined> {
  const outcome = await fill.outcome;
  if (outcome.kind === 'private') outcome.claim()?.body?.cancel();
  await fill.done;
  switch (outcome.kind) {
    case 'private': {
      const { originStatus: status, reason } = outcome;
      return { status, reason: status === 200 ? unshared[reason] : answered(status) };
    }
    case 'failed':
      return { status: null, reason: outcome.error.message };
    case 'stale':
      return outcome.originStatus === undefined
        ? { status: null, reason: `${fill.failure?.message ?? 'The origin did not answer.'} What is here is stale.` }
        : { status: outcome.originStatus, reason: `${answered(outcome.originStatus)} What is here is stale.` };
    case 'part':
      return { status: 206, reason: unshared.partial };
    case 'shared': {
      const { body, keeps, response } = outcome;
      const { status } = response;
      if (status !== 200) return { status, reason: answered(status) };
      if (fill.failure !== undefined) return { status, reason: fill.failure.message };
      return body.complete && keeps ? undefined : { status, reason: 'It cannot be kept: nothing says that it is whole, or that it may be.' };
    }
    default:
      return fill.failure === undefined ? undefined : { status: null, reason: fill.failure.message };
  }
}
