import { streamStopped, type DomainEvent } from '#events';
import type { Intent, Occurrence, Reactor } from '#kernel';

export const recordingFinish = 'recording-finish';

function react({ event }: Occurrence<DomainEvent>): readonly Intent[] {
  if (event.type !== streamStopped.type) return [];
  const { streamId } = event.data;
  return [{ kind: recordingFinish, lane: streamId, payload: { streamId } }];
}

/** Has a stream that ended for good made into one file. */
export const recordingsReactor: Reactor<DomainEvent> = {
  name: 'recordings',
  version: 1,
  contexts: [streamStopped.context],
  handles: [streamStopped.type],
  react,
};
