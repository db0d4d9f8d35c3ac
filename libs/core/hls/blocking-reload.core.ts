/** What a request asks to wait for (RFC 8216bis section 6.2.5.2). */
export interface ReloadQuery {
  /** `_HLS_msn`. */
  readonly mediaSequence: number;
  /** `_HLS_part`; undefined waits for the whole segment. */
  readonly part: number | undefined;
}

/** How far a playlist has come. */
export interface ReloadView {
  /** The playlist has an EXT-X-ENDLIST. */
  readonly ended: boolean;
  /** Newest segment that is all there; -1 before the first. */
  readonly lastSequence: number;
  /** How many parts of a segment are announced; undefined when that is not known (any more). */
  readonly partsOf: (mediaSequence: number) => number | undefined;
  readonly partTargetUs: number;
}

/** `too-far` is a Bad Request: nobody who reads the playlist asks for it. */
export type ReloadVerdict = 'now' | 'wait' | 'too-far';

/** Segments beyond the last one that may be waited for. */
const sequencesAhead = 2;

/** Whether a request for a playlist is answered, held or refused. */
export function judgeReload({ mediaSequence, part }: ReloadQuery, view: ReloadView): ReloadVerdict {
  // "A Server MUST ignore _HLS_msn and _HLS_part if the Playlist contains an EXT-X-ENDLIST tag."
  if (view.ended) return 'now';
  // "If the _HLS_msn is greater than the Media Sequence Number of the last Media Segment in the current Playlist plus two …"
  if (mediaSequence > view.lastSequence + sequencesAhead) return 'too-far';
  if (part === undefined) return mediaSequence <= view.lastSequence ? 'now' : 'wait';
  return hasPart(mediaSequence, part, view) ? 'now' : isFarAhead(mediaSequence, part, view) ? 'too-far' : 'wait';
}

/** True when the playlist has the part, or one of a later segment. */
function hasPart(mediaSequence: number, part: number, view: ReloadView): boolean {
  if (mediaSequence < view.lastSequence) return true;
  const parts = view.partsOf(mediaSequence);
  // "If the Client requests a Part Index greater than that of the final Partial Segment of the Parent Segment, the Server MUST
  // treat the request as one for Part Index 0 of the following Parent Segment."
  if (mediaSequence === view.lastSequence) return parts === undefined || part < parts || (view.partsOf(mediaSequence + 1) ?? 0) > 0;
  return part < (parts ?? 0) || (mediaSequence > view.lastSequence && (view.partsOf(mediaSequence + 1) ?? 0) > 0);
}

/** "… or if the _HLS_part exceeds the last Partial Segment in the current Playlist by the Advance Part Limit." */
function isFarAhead(mediaSequence: number, part: number, view: ReloadView): boolean {
  const { lastSequence, partTargetUs } = view;
  const limit = partTargetUs < 1_000_000 ? Math.floor(3_000_000 / partTargetUs) : 3;
  // A part behind the last one of a segment that is all there is the first of the next.
  if (mediaSequence <= lastSequence) return false;
  const open = view.partsOf(lastSequence + 1) ?? 0;
  const ahead = mediaSequence === lastSequence + 1 ? part - (open - 1) : part + 1;
  return ahead > limit;
}
