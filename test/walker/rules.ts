import { everySegment, type ReadPlaylist, type ReadSegment } from './playlist.ts';

/** A rule of RFC 8216bis about one playlist, by the item that it comes from. Answers what is wrong; nothing where nothing is. */
export interface PlaylistRule {
  readonly item: string;
  readonly says: string;
  check(playlist: ReadPlaylist): string | undefined;
}

/** A rule about what one client is given, first and then. Times are those of the client, ms. */
export interface ReloadRule {
  readonly item: string;
  readonly says: string;
  check(before: ReadPlaylist, after: ReadPlaylist): string | undefined;
}

/** A rule about two playlists of one stream that were read within a moment of each other. */
export type RenditionRule = ReloadRule;

const close = (a: number, b: number, tolerance: number): boolean => Math.abs(a - b) <= tolerance;
const isLive = ({ ended }: ReadPlaylist): boolean => !ended;
const durationOf = (segments: readonly ReadSegment[]): number => segments.reduce((sum, { durationSec }) => sum + durationSec, 0);
const partsLength = ({ parts }: ReadSegment): number => parts.reduce((sum, { durationSec }) => sum + durationSec, 0);
/** Durations are written with six digits. */
const digit = 0.000_01;

/** The first segment of which something is wrong, in words. */
function firstWrong(segments: readonly ReadSegment[], isWrong: (segment: ReadSegment, at: number) => boolean): string | undefined {
  const at = segments.findIndex(isWrong);
  return at < 0 ? undefined : `segment ${segments[at]?.mediaSequence}`;
}

export const playlistRules: readonly PlaylistRule[] = [
  {
    item: '6.2.1-M1',
    says: 'a rounded duration does not exceed the target duration',
    check: ({ segments, targetDurationSec }) => firstWrong(segments, ({ durationSec }) => Math.round(durationSec) > targetDurationSec),
  },
  {
    item: '6.2.1-S6',
    says: 'a segment behind a discontinuity has a date',
    check: (playlist) =>
      firstWrong(everySegment(playlist), ({ discontinuity, gap, programDateTimeMs }) => discontinuity && !gap && programDateTimeMs === undefined),
  },
  {
    item: '6.2.1-M14',
    says: 'dates do not overlap by a second or more',
    check: (playlist) => {
      const dated = everySegment(playlist).filter(({ programDateTimeMs }) => programDateTimeMs !== undefined);
      return firstWrong(dated, ({ programDateTimeMs = 0 }, at) => {
        const previous = dated[at - 1];
        return previous !== undefined && !previous.gap && programDateTimeMs - (previous.programDateTimeMs ?? 0) - previous.durationSec * 1000 < -999;
      });
    },
  },
  { item: '6.2.2-M1', says: 'segments are numbered', check: ({ mediaSequence }) => (Number.isInteger(mediaSequence) ? undefined : 'no EXT-X-MEDIA-SEQUENCE') },
  {
    item: '6.2.2-M9',
    says: 'discontinuities are numbered where segments are removed',
    check: ({ tags }) => (tags.has('EXT-X-DISCONTINUITY-SEQUENCE') ? undefined : 'no EXT-X-DISCONTINUITY-SEQUENCE'),
  },
  {
    item: '6.2.2-M12',
    says: 'a live playlist has no type',
    check: (playlist) => (isLive(playlist) && playlist.tags.has('EXT-X-PLAYLIST-TYPE') ? 'EXT-X-PLAYLIST-TYPE' : undefined),
  },
  {
    item: '6.2.2-S1',
    says: 'parts are not listed more than three target durations from the end',
    check: (playlist) => {
      const all = everySegment(playlist);
      return firstWrong(all, ({ parts }, at) => {
        const behind = durationOf(all.slice(at + 1)) + (playlist.open === undefined ? 0 : partsLength(playlist.open));
        return parts.length > 0 && behind > 3 * playlist.targetDurationSec + digit;
      });
    },
  },
  {
    item: '4.4.4.9-target',
    says: 'no part is longer than PART-TARGET, and there is one',
    check: (playlist) =>
      firstWrong(everySegment(playlist), ({ parts }) => parts.some(({ durationSec }) => !(durationSec <= (playlist.partTargetSec ?? 0) + digit))),
  },
  {
    item: '4.4.4.9-85%',
    says: 'a part has 85% of PART-TARGET, but for the last of its segment, independent ones, gaps, and what is before a gap',
    check: (playlist) =>
      firstWrong(everySegment(playlist), ({ parts, uri }) =>
        parts.some(({ durationSec, gap, independent }, at) => {
          const excused = gap || independent || parts[at + 1]?.gap === true || (uri !== undefined && at === parts.length - 1);
          // The newest part may turn out to be the last of its segment.
          const mayBeLast = uri === undefined && at === parts.length - 1;
          return !excused && !mayBeLast && durationSec < 0.85 * (playlist.partTargetSec ?? 0) - digit;
        }),
      ),
  },
  {
    item: '3-parts',
    says: 'the parts of a segment are the segment',
    check: ({ segments }) =>
      firstWrong(segments, (segment) => segment.parts.length > 0 && !close(partsLength(segment), segment.durationSec, 0.01 * (segment.parts.length + 1))),
  },
  {
    item: '4.4.3.8-part-hold-back',
    says: 'PART-HOLD-BACK is there with EXT-X-PART-INF, and three part targets at least',
    check: ({ partTargetSec, serverControl }) =>
      partTargetSec === undefined || Number(serverControl['PART-HOLD-BACK']) >= 3 * partTargetSec - digit
        ? undefined
        : `PART-HOLD-BACK=${serverControl['PART-HOLD-BACK']}`,
  },
  {
    item: '4.4.3.8-skip',
    says: 'the skip boundary is six target durations at least',
    check: ({ serverControl, targetDurationSec }) => {
      const skip = serverControl['CAN-SKIP-UNTIL'];
      return skip === undefined || Number(skip) >= 6 * targetDurationSec ? undefined : `CAN-SKIP-UNTIL=${skip}`;
    },
  },
  {
    item: '4.4.5.3',
    says: 'a playlist that has ended hints nothing',
    check: ({ ended, hints }) => (ended && hints.length > 0 ? `hints ${hints[0]}` : undefined),
  },
  { item: '6.2.6-S6', says: 'there is one hint at most', check: ({ hints }) => (hints.length > 1 ? `${hints.length} hints` : undefined) },
  {
    item: '6.2.6-hint',
    says: 'what is hinted is not listed yet',
    check: (playlist) => firstWrong(everySegment(playlist), ({ parts }) => parts.some(({ uri }) => playlist.hints.includes(uri))),
  },
  {
    item: '4.4.5.4',
    says: 'a report says how far the other rendition is',
    check: ({ reports }) =>
      reports.map((report) => (/^\d+$/.test(report['LAST-MSN'] ?? '') && report['URI'] ? undefined : JSON.stringify(report))).find(Boolean),
  },
];

const constants = ['EXT-X-TARGETDURATION', 'EXT-X-SERVER-CONTROL', 'EXT-X-PART-INF', 'EXT-X-INDEPENDENT-SEGMENTS'] as const;

/** What of a segment never changes; its parts apart. */
function face({ uri, durationSec, gap, discontinuity, map, programDateTimeMs, discontinuityNumber }: ReadSegment): string {
  return JSON.stringify({ uri, durationSec, gap, discontinuity, map, programDateTimeMs, discontinuityNumber });
}

const partFace = (parts: ReadSegment['parts']): string[] => parts.map((part) => JSON.stringify(part));

/** Pairs of what a client had and has under the same number. */
function pairs(before: ReadPlaylist, after: ReadPlaylist): ReadonlyArray<readonly [ReadSegment, ReadSegment]> {
  const now = new Map(everySegment(after).map((segment) => [segment.mediaSequence, segment]));
  return everySegment(before).flatMap((segment) => {
    const same = now.get(segment.mediaSequence);
    return same === undefined ? [] : [[segment, same] as const];
  });
}

export const reloadRules: readonly ReloadRule[] = [
  ...constants.map((name): ReloadRule => ({
    item: name === 'EXT-X-TARGETDURATION' ? '6.2.1-M13' : '6.2.1-M10',
    says: `${name} does not change`,
    // The end of a stream is the end of what a server can do for it.
    check: (before, after) =>
      after.ended && name !== 'EXT-X-TARGETDURATION'
        ? undefined
        : before.tags.get(name) === after.tags.get(name)
          ? undefined
          : `${before.tags.get(name)} became ${after.tags.get(name)}`,
  })),
  {
    item: '6.2.1-M10',
    says: 'a segment stays as it was listed',
    check: (before, after) => {
      const changed = pairs(before, after).find(([a, b]) => a.uri !== undefined && face(a) !== face(b));
      return changed === undefined ? undefined : `segment ${changed[0].mediaSequence}: ${face(changed[0])} became ${face(changed[1])}`;
    },
  },
  {
    item: '6.2.1-M10',
    says: 'what was told of a segment with its parts holds when it is whole',
    check: (before, after) => {
      const told = ({ discontinuity, map, programDateTimeMs }: ReadSegment): string => JSON.stringify({ discontinuity, map, programDateTimeMs });
      const changed = pairs(before, after).find(([a, b]) => a.uri === undefined && told(a) !== told(b));
      return changed === undefined ? undefined : `segment ${changed[0].mediaSequence}: ${told(changed[0])} became ${told(changed[1])}`;
    },
  },
  {
    item: '6.2.2-M5',
    says: 'parts are added behind those that are listed, and removed from the oldest on',
    check: (before, after) => {
      const changed = pairs(before, after).find(([a, b]) => b.parts.length > 0 && partFace(a.parts).some((part, at) => part !== partFace(b.parts)[at]));
      return changed === undefined
        ? undefined
        : `segment ${changed[0].mediaSequence}: ${partFace(changed[0].parts).join()} became ${partFace(changed[1].parts).join()}`;
    },
  },
  {
    item: '6.2.2-M3',
    says: 'the first number does not decrease',
    check: (before, after) => (after.mediaSequence >= before.mediaSequence ? undefined : `${before.mediaSequence} became ${after.mediaSequence}`),
  },
  {
    item: '6.2.1-M10',
    says: 'what was listed at the end is not taken back',
    check: (before, after) => {
      const [last, now] = [everySegment(before).at(-1)?.mediaSequence ?? -1, everySegment(after).at(-1)?.mediaSequence ?? -1];
      return now >= last ? undefined : `${last} was the newest, and now ${now} is`;
    },
  },
  {
    item: '6.2.2-M11',
    says: 'the first discontinuity number does not decrease',
    check: (before, after) => {
      const number = ({ tags }: ReadPlaylist): number => Number(tags.get('EXT-X-DISCONTINUITY-SEQUENCE') ?? 0);
      return number(after) >= number(before) ? undefined : `${number(before)} became ${number(after)}`;
    },
  },
  {
    item: '6.2.2-M6',
    says: 'nothing is removed that leaves less than three target durations',
    check: (before, after) =>
      isLive(after) && after.mediaSequence > before.mediaSequence && durationOf(after.segments) < 3 * after.targetDurationSec - digit
        ? `${durationOf(after.segments)} s are left`
        : undefined,
  },
  {
    item: '6.2.6-M1',
    says: 'a part is what its hint said, or the hint is gone with its run',
    check: (before, after) => {
      const [hint] = before.hints;
      const place = /\/(\d+)\.(\d+)\./.exec(hint ?? '');
      if (hint === undefined || place === null) return undefined;
      const part = everySegment(after).find(({ mediaSequence }) => mediaSequence === Number(place[1]))?.parts[Number(place[2])];
      return part === undefined || part.uri === hint || part.gap || runOf(part.uri) !== runOf(hint) ? undefined : `${hint} became ${part.uri}`;
    },
  },
];

function runOf(uri: string): string | undefined {
  return /\.([^.]+)\.m4s$/.exec(uri)?.[1];
}

function sameNumber(a: ReadPlaylist, b: ReadPlaylist, fits: (one: ReadSegment, other: ReadSegment) => boolean): string | undefined {
  const wrong = pairs(a, b).find(([one, other]) => !fits(one, other));
  return wrong === undefined ? undefined : `segment ${wrong[0].mediaSequence}: ${face(wrong[0])} and ${face(wrong[1])}`;
}

export const renditionRules: readonly RenditionRule[] = [
  {
    item: '6.2.4-M2c',
    says: 'matching content has matching discontinuity numbers',
    check: (a, b) => sameNumber(a, b, (one, other) => one.discontinuityNumber === other.discontinuityNumber),
  },
  {
    item: '6.2.4-M2d',
    says: 'the target duration is the same',
    check: (a, b) => (a.targetDurationSec === b.targetDurationSec ? undefined : `${a.targetDurationSec} and ${b.targetDurationSec}`),
  },
  {
    item: '6.2.4-M2e',
    says: 'content of one rendition alone is a target duration long at most',
    check: (a, b) => (Math.abs(a.mediaSequence - b.mediaSequence) <= 1 ? undefined : `they begin with ${a.mediaSequence} and ${b.mediaSequence}`),
  },
  {
    item: '6.2.4-M2h',
    says: 'dates are the same for the same content',
    // Sound begins up to two frames after the picture.
    check: (a, b) => sameNumber(a, b, (one, other) => one.gap || other.gap || close(one.programDateTimeMs ?? 0, other.programDateTimeMs ?? 0, 100)),
  },
  {
    item: '6.2.4-M2j',
    says: 'what the server can do is the same',
    check: (a, b) => {
      const control = ({ tags }: ReadPlaylist): string | undefined => tags.get('EXT-X-SERVER-CONTROL');
      return a.ended !== b.ended || control(a) === control(b) ? undefined : `${control(a)} and ${control(b)}`;
    },
  },
];
