import { sandboxCreated, sandboxDropped, sandboxDropRequested, sandboxFailed, sandboxReady } from '#events';

export const sandboxEventTypes: readonly string[] = [
  sandboxCreated.type,
  sandboxReady.type,
  sandboxFailed.type,
  sandboxDropRequested.type,
  sandboxDropped.type,
];
