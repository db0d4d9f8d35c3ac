import { OperatingError } from '#kernel';

/** The errors of an event index, worded once for every engine. */
export const eventIndexErrors = {
  fenced: () =>
    new OperatingError('Another process keeps the event index now: what this one wanted to write of it was refused.', {
      code: 'INDEX_FENCED',
      retryable: true,
    }),
} as const;
