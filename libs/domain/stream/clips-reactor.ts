import { clipRequested, type DomainEvent } from '#events';
import type { Intent, Occurrence, Reactor } from '#kernel';

export const clipMake = 'clip-make';

function react({ event }: Occurrence<DomainEvent>): readonly Intent[] {
  if (event.type !== clipRequested.type) return [];
  const { streamId, clipId, fromMs, untilMs } = event.data;
  return [{ kind: clipMake, lane: streamId, payload: { streamId, clipId, fromMs, untilMs } }];
}

/** Has pieces of streams made into files. */
export const clipsReactor: Reactor<DomainEvent> = { name: 'clips', version: 1, contexts: [clipRequested.context], handles: [clipRequested.type], react };
