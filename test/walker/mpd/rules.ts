import { childrenOf, numbersOf, secondsOf, type ReadMpd, type ReadPeriod, type ReadRepresentation, type ReadSet } from './mpd.ts';

/** A rule about one manifest, by its clause of ISO/IEC 23009-1 (2022) or, with IOP, of DASH-IF's guidelines. Answers what is wrong. */
export interface MpdRule {
  readonly clause: string;
  readonly says: string;
  check(mpd: ReadMpd): readonly string[];
}

/** A rule about what one client is given, first and then. */
export interface UpdateRule {
  readonly clause: string;
  readonly says: string;
  check(before: ReadMpd, after: ReadMpd): readonly string[];
}

interface Place {
  readonly mpd: ReadMpd;
  readonly period: ReadPeriod;
  readonly set: ReadSet;
  readonly representation: ReadRepresentation;
}

const placesOf = (mpd: ReadMpd): readonly Place[] =>
  mpd.periods.flatMap((period) => period.sets.flatMap((set) => set.representations.map((representation) => ({ mpd, period, set, representation }))));
const nameOf = ({ period, representation }: Place): string => `${period.id}/${representation.id}`;
const isMedia = ({ set }: Pick<Place, 'set'>): boolean => set.contentType === 'video' || set.contentType === 'audio';
const twice = (names: readonly string[]): readonly string[] => names.filter((name, at) => names.indexOf(name) !== at);

const ofRoot = (clause: string, says: string, isRight: (mpd: ReadMpd, attribute: (name: string) => string | undefined) => boolean): MpdRule => ({
  clause,
  says,
  check: (mpd) => (isRight(mpd, (name) => mpd.root.attributes.get(name)) ? [] : ['MPD']),
});
const ofEach = (clause: string, says: string, isRight: (place: Place) => boolean): MpdRule => ({
  clause,
  says,
  check: (mpd) => placesOf(mpd).flatMap((place) => (isRight(place) ? [] : [nameOf(place)])),
});

/** Elements of an adaptation set in the order of the schema (5.3.3.3). */
const setOrder = ['Label', 'ProducerReferenceTime', 'Role', 'SegmentTemplate', 'Representation'];
const rootOrder = ['ServiceDescription', 'Period', 'UTCTiming'];
const isOrdered = (names: readonly string[], order: readonly string[]): boolean =>
  names.every((name, at) => order.includes(name) && order.indexOf(name) >= order.indexOf(names[at - 1] ?? order[0] ?? ''));
/** Rounding of times that are told in several units, seconds. */
const roundingSec = 0.001;

export const mpdRules: readonly MpdRule[] = [
  ofRoot('5.3.1.2', 'the namespace is that of DASH', (_, has) => has('xmlns') === 'urn:mpeg:dash:schema:mpd:2011'),
  ofRoot('5.3.1.2', 'profiles and minBufferTime are mandatory', (_, has) => /\S/.test(has('profiles') ?? '') && secondsOf(has('minBufferTime')) > 0),
  ofRoot(
    '5.3.1.2',
    'what is dynamic says when it began and when it was published, and how far one can go back',
    ({ dynamic, availabilityStartMs, publishMs }, has) => !dynamic || (availabilityStartMs > 0 && publishMs > 0 && has('timeShiftBufferDepth') !== undefined),
  ),
  ofRoot(
    '5.4',
    'what is dynamic and has no end is updated',
    ({ dynamic, durationSec }, has) => !dynamic || durationSec > 0 || has('minimumUpdatePeriod') !== undefined,
  ),
  ofRoot(
    '5.3.1.2',
    'what is static has a duration, and nothing that changes',
    ({ dynamic, durationSec }, has) =>
      dynamic || (durationSec > 0 && ['minimumUpdatePeriod', 'timeShiftBufferDepth', 'suggestedPresentationDelay'].every((name) => has(name) === undefined)),
  ),
  ofRoot('5.8.5.7', 'what is dynamic says where to learn the time (IOP 4.7.2)', ({ dynamic, root }) => !dynamic || childrenOf(root, 'UTCTiming').length > 0),
  ofRoot('5.3.1.3', 'elements are in the order of the schema', ({ root }) =>
    isOrdered(
      root.children.map(({ name }) => name),
      rootOrder,
    ),
  ),
  {
    clause: '5.3.2.2',
    says: 'periods have names and beginnings, each its own, in order',
    check: ({ periods }) => [
      ...twice(periods.map(({ id }) => id)),
      ...periods.filter(({ id, startSec }, at) => id === '' || !(startSec >= 0) || startSec <= (periods[at - 1]?.startSec ?? -1)).map(({ id }) => id),
    ],
  },
  {
    clause: '5.3.2.1',
    says: 'a period has media',
    check: ({ periods }) => periods.filter(({ sets }) => !sets.some((set) => isMedia({ set }))).map(({ id }) => id),
  },
  {
    clause: '5.3.3.2',
    says: 'adaptation sets of a period have numbers of their own',
    check: ({ periods }) => periods.flatMap(({ sets }) => twice(sets.map(({ id }) => id))),
  },
  {
    clause: '5.3.3.3',
    says: 'elements of an adaptation set are in the order of the schema',
    check: ({ periods }) =>
      periods.flatMap(({ id, sets }) => sets.filter(({ elements }) => !isOrdered(elements, setOrder)).map((set) => `${id} set ${set.id}`)),
  },
  {
    clause: '5.3.5.2',
    says: 'representations of a period have names of their own',
    check: ({ periods }) => periods.flatMap(({ sets }) => twice(sets.flatMap(({ representations }) => representations.map(({ id }) => id)))),
  },
  ofEach('5.3.5.2', 'bandwidth is a whole number above zero', ({ representation: { bandwidth } }) => Number.isInteger(bandwidth) && bandwidth > 0),
  ofEach('5.3.7.2', 'the type is that of the content', ({ set: { contentType, mimeType } }) => mimeType.split('/')[0] === contentType),
  ofEach('5.3.7.2', 'media say how they are coded (IOP 3.2.4)', (place) => !isMedia(place) || /^[\w.-]+$/.test(place.representation.codecs ?? '')),
  ofEach(
    '5.3.7.2',
    'pictures say how large they are (IOP 3.2.4)',
    ({ set, representation: { attributes } }) =>
      set.contentType !== 'video' || ['width', 'height', 'frameRate'].every((name) => Number.parseInt(attributes.get(name) ?? '', 10) > 0),
  ),
  ofEach('5.3.9.4.2', 'segments have addresses that differ', ({ representation: { template } }) => /\$(?:Number|Time)\$/.test(template.media)),
  ofEach('5.3.9.4.2', 'media have an initialisation', (place) => !isMedia(place) || place.representation.template.initialization !== undefined),
  ofEach(
    '5.3.9.2.2',
    'segments are listed or counted, and not both',
    ({ representation: { template } }) => (template.entries === undefined) !== (template.duration === undefined),
  ),
  ofEach(
    '5.3.9.2.2',
    'what is counted has a duration, and ends where it began or later',
    ({ representation: { template } }) =>
      template.duration === undefined || (template.duration > 0 && (template.endNumber ?? Infinity) >= template.startNumber),
  ),
  ofEach('5.3.9.6.1', 'listed segments last, and do not overlap', ({ representation: { template } }) =>
    (template.entries ?? []).every(({ time, duration }, at, all) => duration > 0 && time >= (all[at - 1]?.time ?? -Infinity) + (all[at - 1]?.duration ?? 0)),
  ),
  ofEach('5.3.1.2', 'no segment is longer than maxSegmentDuration', (place) => {
    const { template } = place.representation;
    const longest = Math.max(0, template.duration ?? 0, ...(template.entries ?? []).map(({ duration }) => duration));
    return !isMedia(place) || longest / template.timescale <= place.mpd.maxSegmentSec + 1e-6;
  }),
  ofEach('5.3.9.6.1', 'listed segments are of their period', ({ mpd, period, representation: { template } }) => {
    const { entries = [], timescale, presentationTimeOffset } = template;
    const nextSec = mpd.periods[mpd.periods.indexOf(period) + 1]?.startSec ?? Infinity;
    const fromSec = ((entries[0]?.time ?? Infinity) - presentationTimeOffset) / timescale;
    // Sound begins up to two of its frames before or behind the picture.
    return fromSec >= -0.1 && period.startSec + ((entries.at(-1)?.time ?? 0) - presentationTimeOffset) / timescale < nextSec;
  }),
  ofEach('5.3.9.5.1', 'what can be had early is early by less than it lasts, and said of what is dynamic alone', ({ mpd, representation: { template } }) => {
    const { availabilityTimeOffset: early, duration, timescale } = template;
    return early === undefined ? template.availabilityTimeComplete : mpd.dynamic && early > 0 && (duration === undefined || early < duration / timescale);
  }),
  {
    clause: '5.3.3.2',
    says: 'segments of aligned representations do not overlap each other',
    check: ({ periods }) =>
      periods.flatMap(({ id, sets }) =>
        sets.filter(({ segmentAlignment, representations }) => segmentAlignment && !areAligned(representations)).map((set) => `${id} set ${set.id}`),
      ),
  },
  {
    clause: 'K.3.2',
    says: 'a latency is not above its most, refers to a producer that there is, and rates are around 1',
    check: ({ root, periods }) =>
      childrenOf(root, 'ServiceDescription').flatMap((service) => {
        const [latency, rate] = [childrenOf(service, 'Latency')[0]?.attributes, childrenOf(service, 'PlaybackRate')[0]?.attributes];
        const references = periods.flatMap(({ elements }) =>
          elements.flatMap((set) => childrenOf(set, 'ProducerReferenceTime').map(({ attributes }) => attributes.get('id'))),
        );
        const refersTo = latency?.get('referenceId');
        const wrong = [
          Number(latency?.get('target')) <= Number(latency?.get('max')) ? [] : ['Latency'],
          refersTo === undefined || references.includes(refersTo) ? [] : ['Latency@referenceId'],
          Number(rate?.get('min')) <= 1 && Number(rate?.get('max')) >= 1 ? [] : ['PlaybackRate'],
        ];
        return wrong.flat();
      }),
  },
];

function areAligned(representations: readonly ReadRepresentation[]): boolean {
  const [first, ...others] = representations.map(({ template }) => numbersOf(template, 0));
  return others.every((other) =>
    [...other].every(([number, { time, duration }]) => {
      const same = first?.get(number);
      return same === undefined || (same.time === time && same.duration === duration);
    }),
  );
}

/** The same representation in two manifests. */
function both(before: ReadMpd, after: ReadMpd): ReadonlyArray<readonly [Place, Place]> {
  const newer = new Map(placesOf(after).map((place) => [nameOf(place), place]));
  return placesOf(before).flatMap((place) => {
    const same = newer.get(nameOf(place));
    return same === undefined ? [] : [[place, same] as const];
  });
}

const ofBoth = (clause: string, says: string, isRight: (before: Place, after: Place) => boolean): UpdateRule => ({
  clause,
  says,
  check: (before, after) => both(before, after).flatMap(([one, other]) => (isRight(one, other) ? [] : [nameOf(one)])),
});

export const updateRules: readonly UpdateRule[] = [
  {
    clause: '5.3.1.2',
    says: 'what was published is not older than what was before',
    check: (before, after) => (!after.dynamic || after.publishMs >= before.publishMs ? [] : ['MPD']),
  },
  { clause: '5.4', says: 'what is static stays as it is', check: (before, after) => (before.dynamic || !after.dynamic ? [] : ['MPD']) },
  {
    clause: '5.4',
    says: 'periods keep their names and beginnings, go in their order, and come at the end alone',
    check: (before, after) => {
      const known = new Map(before.periods.map(({ id, startSec }) => [id, startSec]));
      const lastSec = before.periods.at(-1)?.startSec ?? 0;
      const gone = before.periods.filter(
        ({ id }, at) =>
          !after.periods.some((one) => one.id === id) && before.periods.slice(0, at).some((one) => after.periods.some((other) => other.id === one.id)),
      );
      const moved = after.dynamic ? after.periods.filter(({ id, startSec }) => known.has(id) && Math.abs((known.get(id) ?? 0) - startSec) > roundingSec) : [];
      const between = before.dynamic && after.dynamic ? after.periods.filter(({ id, startSec }) => !known.has(id) && startSec <= lastSec) : [];
      return [...gone, ...moved, ...between].map(({ id }) => id);
    },
  },
  ofBoth(
    '5.4',
    'a representation stays what it is',
    ({ set, representation: one }, { set: otherSet, representation: other }) =>
      one.codecs === other.codecs &&
      one.template.initialization === other.template.initialization &&
      one.template.timescale === other.template.timescale &&
      one.template.presentationTimeOffset === other.template.presentationTimeOffset &&
      set.contentType === otherSet.contentType &&
      ['width', 'height', 'audioSamplingRate'].every((name) => one.attributes.get(name) === other.attributes.get(name)),
  ),
  ofBoth('5.4', 'what was listed is listed as it was, until the window has left it', (one, other) => {
    if (one.representation.template.entries === undefined || other.representation.template.entries === undefined || !isMedia(one)) return true;
    const now = numbersOf(other.representation.template, 0);
    const firstNow = other.representation.template.startNumber;
    return [...numbersOf(one.representation.template, 0)].every(([number, { time, duration }]) => {
      const same = now.get(number);
      return same === undefined ? number < firstNow : same.time === time && same.duration === duration;
    });
  }),
  ofBoth('5.4', 'what was counted is counted as it was, and an end is for good', (one, other) => {
    const [{ duration, startNumber, endNumber }, now] = [one.representation.template, other.representation.template];
    if (duration === undefined || now.duration === undefined) return true;
    return duration === now.duration && startNumber === now.startNumber && (endNumber === undefined || endNumber === now.endNumber);
  }),
];
