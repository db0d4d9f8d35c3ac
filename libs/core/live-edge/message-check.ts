import { LiveEdgeError } from './errors.ts';
import type { EdgeMessage } from './messages.ts';

type Kind = 'text' | 'count' | 'integer' | 'flag' | 'texts' | 'track' | 'track or nothing' | 'ranges' | 'captions';

const segmentPlace = { run: 'text', rendition: 'text', mediaSequence: 'count', initCid: 'text', startUs: 'count', durationUs: 'count' } as const;
const shapes: Readonly<Record<EdgeMessage['kind'], Readonly<Record<string, Kind>>>> = {
  beat: {},
  run: { run: 'text', mediaSequence: 'count', renditions: 'texts' },
  part: { ...segmentPlace, index: 'count', last: 'flag', independent: 'flag', discontinuity: 'flag', programDateTimeMs: 'integer', track: 'track or nothing' },
  segment: {
    ...segmentPlace,
    cid: 'text',
    sizeBytes: 'count',
    discontinuity: 'flag',
    programDateTimeMs: 'integer',
    startTicks: 'count',
    durationTicks: 'count',
    track: 'track',
    keyFrames: 'ranges',
    captions: 'captions',
  },
};

/** Names end up in playlists and URLs. */
const plainText = /^[A-Za-z0-9][A-Za-z0-9_.:-]{0,127}$/;
const listMax = 4096;

const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;
const isText = (value: unknown): boolean => typeof value === 'string' && plainText.test(value);
const isObject = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null && !Array.isArray(value);
const isList = (value: unknown, fits: (one: unknown) => boolean): boolean => Array.isArray(value) && value.length <= listMax && value.every(fits);

const isTrack = (value: unknown): boolean =>
  isObject(value) && isCount(value['timescale']) && typeof value['codecs'] === 'string' && /^[\w.,-]{1,100}$/.test(value['codecs']);

const checks: Readonly<Record<Kind, (value: unknown) => boolean>> = {
  text: isText,
  count: isCount,
  integer: Number.isSafeInteger,
  flag: (value) => typeof value === 'boolean',
  texts: (value) => isList(value, isText),
  captions: (value) =>
    value === undefined || isList(value, (one) => isObject(one) && isText(one['channel']) && isText(one['cid']) && isCount(one['sizeBytes'])),
  track: isTrack,
  'track or nothing': (value) => value === undefined || isTrack(value),
  ranges: (value) => isList(value, (one) => isObject(one) && ['offset', 'sizeBytes', 'startTicks'].every((name) => isCount(one[name]))),
};

/** @throws LiveEdgeError naming the field */
export function checkMessage(value: unknown): EdgeMessage {
  if (!isObject(value)) throw new LiveEdgeError('A message is no object.');
  const shape = Object.hasOwn(shapes, String(value['kind'])) ? shapes[value['kind'] as EdgeMessage['kind']] : undefined;
  if (shape === undefined) throw new LiveEdgeError('A message of an unknown kind.');
  for (const [name, kind] of Object.entries(shape))
    if (!checks[kind](value[name])) throw new LiveEdgeError(`${String(value['kind'])}.${name} is not what it should be.`);
  return value as unknown as EdgeMessage;
}
