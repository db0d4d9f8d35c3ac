/** What a stream's playlist says of it before there is anything to play. */
export type Availability =
  | 'asking'
  | 'playable'
  /** It is there, and nobody has published to it yet. */
  | 'not-yet'
  | 'never-live'
  | 'unknown'
  /** The server does not answer, or not as it should. */
  | 'away';

const byProblem: Readonly<Record<string, Availability>> = {
  'urn:streams:problem:unknown-stream': 'unknown',
  'urn:streams:problem:no-route': 'unknown',
  'urn:streams:problem:nothing-yet': 'not-yet',
  'urn:streams:problem:never-live': 'never-live',
};

/** Nothing else can come of these. */
export const isFinal = (one: Availability): boolean => one === 'playable' || one === 'unknown' || one === 'never-live';

/** What an answer to a request for the playlist means; problem documents (RFC 9457) tell one 404 from another. */
export async function availabilityOf(response: Pick<Response, 'ok' | 'status' | 'json'>): Promise<Availability> {
  if (response.ok) return 'playable';
  if (response.status !== 404) return 'away';
  try {
    const { type } = (await response.json()) as { readonly type?: string };
    return byProblem[type ?? ''] ?? 'away';
  } catch {
    return 'away';
  }
}

export interface Notice {
  readonly title: string;
  readonly detail: string;
}

/** What a viewer is told; undefined while there is something to see. */
export function noticeOf(availability: Availability): Notice | undefined {
  switch (availability) {
    case 'not-yet':
      return { title: 'Not live yet', detail: 'The picture begins by itself as soon as somebody sends it.' };
    case 'never-live':
      return { title: 'This stream has ended', detail: 'There was never a picture.' };
    case 'unknown':
      return { title: 'There is no such stream', detail: 'Check the address, or ask whoever gave it to you.' };
    case 'away':
      return { title: 'The server does not answer', detail: 'Trying again.' };
    case 'asking':
    case 'playable':
      return undefined;
  }
}
