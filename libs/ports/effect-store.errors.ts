import { OperatingError } from '#kernel';

/** The errors of a store of effects, worded once for every engine. */
export const effectStoreErrors = {
  fenced: () =>
    new OperatingError('Another process reads for this reactor now: what this one wanted to write was refused.', {
      code: 'CHECKPOINT_FENCED',
      retryable: true,
    }),
  superseded: (reactor: string, version: number, by: number) =>
    new OperatingError(`Version ${by} of the reactor ${reactor} has taken over from version ${version}.`, { code: 'REACTOR_SUPERSEDED', retryable: false }),
  unknown: (reactor: string, topic: string, partition: number) =>
    new OperatingError(`The reactor ${reactor} has no checkpoint at ${topic}/${partition}.`, { code: 'REACTOR_UNKNOWN', retryable: true }),
  taken: (key: string) =>
    new OperatingError(`The effect ${key} is somebody else's by now: how it went for this worker is not recorded.`, {
      code: 'EFFECT_FENCED',
      retryable: false,
    }),
} as const;
