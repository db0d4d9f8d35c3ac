import { cueNameOf, decodeAmf0, FlvError, type AmfObject, type AmfValue } from '#core/flv';
import type { EventOf, streamCueRefused, streamMarked } from '#events';
import { spliceSectionOf, type SpliceSection } from '#core/scte35';

type Marker = EventOf<typeof streamMarked>['data'];
type Attribute = Marker['attributes'][number];
type Reason = EventOf<typeof streamCueRefused>['data']['reason'];

/** What a marker is told of, but for where it stands and what it is called. */
export type CueMeaning = Pick<Marker, 'class' | 'plannedDurationMs' | 'scte35Cmd' | 'scte35Out' | 'scte35In' | 'attributes'>;

export type CueReading =
  | { readonly kind: 'cue'; readonly name: string; readonly meaning: CueMeaning }
  | { readonly kind: 'refused'; readonly name: string; readonly reason: Reason; readonly detail: string };

/** A cue is some hundred bytes; a section of SCTE 35 is the longest that is in one. */
export const cueBytesMax = 16_384;
const attributesMax = 32;
const valueLengthMax = 512;
const plannedSecondsMax = 86_400;

/** Why one is refused. */
class CueError extends Error {
  readonly reason: Reason;

  constructor(reason: Reason, message: string) {
    super(message);
    this.reason = reason;
  }
}

/** Reads a script tag; undefined for one that is no cue. Whatever an encoder wrote, the answer is what it means or why it means nothing. */
export function readCue(body: Uint8Array): CueReading | undefined {
  const name = cueNameOf(body);
  if (name === undefined) return undefined;
  try {
    return { kind: 'cue', name, meaning: meaningOf(name, body) };
  } catch (error) {
    if (error instanceof CueError) return { kind: 'refused', name, reason: error.reason, detail: error.message };
    if (error instanceof FlvError) return { kind: 'refused', name, reason: 'malformed', detail: error.message.slice(0, valueLengthMax) };
    throw error;
  }
}

function meaningOf(name: string, body: Uint8Array): CueMeaning {
  if (body.length > cueBytesMax) throw new CueError('too-large', `It is longer than ${cueBytesMax} bytes.`);
  const said = decodeAmf0(body)
    .slice(1)
    .find((value) => value !== null && value !== undefined);
  if (said === undefined) throw new CueError('malformed', 'It says nothing.');
  const fields = fieldsOf(said);
  const section = fields.map(({ value }) => spliceSectionOf(value)).find((found) => found !== undefined);
  const isSplice = fields.some(({ name: field, value }) => (field === 'NAME' || field === 'TYPE') && /^scte-?35$/i.test(value));
  if (isSplice && section === undefined) throw new CueError('malformed', 'It says that it is SCTE 35, and has no section that can be read.');
  const attributes = fields.filter(({ value }) => spliceSectionOf(value) === undefined);
  if (attributes.length === 0 && section === undefined) throw new CueError('malformed', 'It has no properties.');
  if (attributes.length > attributesMax) throw new CueError('too-large', `It has more than ${attributesMax} properties.`);
  const long = attributes.find(({ value }) => value.length > valueLengthMax);
  if (long !== undefined) throw new CueError('too-large', `${long.name} is longer than ${valueLengthMax} characters.`);
  return { class: name, plannedDurationMs: section?.breakMs ?? plannedMsOf(attributes), ...scte35Of(section), attributes };
}

function scte35Of(section: SpliceSection | undefined): Pick<Marker, 'scte35Cmd' | 'scte35Out' | 'scte35In'> {
  const of = (direction: SpliceSection['direction']): string | null => (section?.direction === direction ? section.hex : null);
  return { scte35Cmd: of('command'), scte35Out: of('out'), scte35In: of('in') };
}

/** Seconds, as encoders write it. */
function plannedMsOf(attributes: readonly Attribute[]): number | null {
  const seconds = Number(attributes.find(({ name }) => name === 'DURATION')?.value ?? 0);
  return seconds > 0 && seconds <= plannedSecondsMax ? Math.round(seconds * 1000) : null;
}

/**
 * Properties by their names, and those of `parameters` and its like beside them; of two with one name the first counts. Lists, and objects
 * further within, are no value that an attribute could have, and are left out.
 */
function fieldsOf(said: AmfValue): readonly Attribute[] {
  if (typeof said !== 'object') return [attributeOf('VALUE', said)];
  if (Array.isArray(said)) throw new CueError('malformed', 'It is a list, not an object.');
  const found = new Map<string, Attribute>();
  const take = (fields: AmfObject, isInner: boolean): void => {
    for (const [name, value] of Object.entries(fields)) {
      if (value === null || value === undefined) continue;
      if (typeof value === 'object') {
        if (!Array.isArray(value) && !isInner) take(value as AmfObject, true);
        continue;
      }
      const attribute = attributeOf(name, value);
      if (!found.has(attribute.name)) found.set(attribute.name, attribute);
    }
  };
  take(said as AmfObject, false);
  return [...found.values()];
}

function attributeOf(name: string, value: AmfValue): Attribute {
  const plain = name
    .toUpperCase()
    .replace(/[^A-Z0-9-]/g, '-')
    .slice(0, 64);
  if (plain === '') throw new CueError('malformed', 'A property has no name.');
  const text = String(value);
  // RFC 8216bis section 4.2: what is no decimal number is told in quotes, in which there are no quotes and no line breaks.
  if (typeof value === 'number' && /^-?\d+(\.\d+)?$/.test(text)) return { name: plain, value: text, isNumber: true };
  // oxlint-disable-next-line no-control-regex -- a control character is what it looks for
  return { name: plain, value: text.replace(/"/g, "'").replace(/[\r\n\u0000]+/g, ' '), isNumber: false };
}
