import type { DraftOf, streamInterrupted, streamPublishRejected, streamStopped } from '#events';

type Data<Definition> = DraftOf<Definition>['data'];

export type InterruptReason = Data<typeof streamInterrupted>['reason'];
export type RejectReason = Data<typeof streamPublishRejected>['reason'];
export type StopReason = Data<typeof streamStopped>['reason'];
