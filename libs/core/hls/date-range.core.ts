import { dateTime } from '#kernel';

/** A stretch of wall clock with a meaning; the fields are those of `stream.marked`. */
export interface DateRange {
  readonly id: string;
  readonly class: string | undefined;
  readonly startMs: number;
  readonly durationMs: number | undefined;
  readonly plannedDurationMs: number | undefined;
  readonly endsOnNext: boolean;
  /** SCTE 35 sections, hexadecimal with `0x`. */
  readonly scte35Cmd: string | undefined;
  readonly scte35Out: string | undefined;
  readonly scte35In: string | undefined;
  /** A client's own, without their `X-`. */
  readonly attributes: ReadonlyArray<{ readonly name: string; readonly value: string; readonly isNumber: boolean }>;
}

/** A quoted string has neither quotes nor line breaks (RFC 8216bis section 4.2). */
const quoted = (text: string): string => `"${text.replace(/["\r\n]/g, "'")}"`;
/** A decimal-floating-point has digits and a point alone (RFC 8216bis section 4.2); what is no number stays a string. */
function decimal(text: string): string {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value)) return quoted(text);
  return /^-?\d+(\.\d+)?$/.test(text) ? text : value.toLocaleString('en-US', { useGrouping: false, maximumFractionDigits: 20 });
}
const seconds = (ms: number): string => (ms / 1000).toFixed(3);

/** RFC 8216bis section 4.4.5.1. */
export function dateRangeTag(range: DateRange): string {
  const { scte35Cmd, scte35Out, scte35In } = range;
  const attributes = [
    `ID=${quoted(range.id)}`,
    ...(range.class === undefined ? [] : [`CLASS=${quoted(range.class)}`]),
    `START-DATE=${quoted(dateTime(range.startMs))}`,
    ...(range.durationMs === undefined ? [] : [`DURATION=${seconds(range.durationMs)}`]),
    ...(range.plannedDurationMs === undefined ? [] : [`PLANNED-DURATION=${seconds(range.plannedDurationMs)}`]),
    ...range.attributes.map(({ name, value, isNumber }) => `X-${name}=${isNumber ? decimal(value) : quoted(value)}`),
    ...(scte35Cmd === undefined ? [] : [`SCTE35-CMD=${scte35Cmd}`]),
    ...(scte35Out === undefined ? [] : [`SCTE35-OUT=${scte35Out}`]),
    ...(scte35In === undefined ? [] : [`SCTE35-IN=${scte35In}`]),
    ...(range.endsOnNext ? ['END-ON-NEXT=YES'] : []),
  ];
  return `#EXT-X-DATERANGE:${attributes.join(',')}`;
}

/** Those that touch a stretch of wall clock, in order: what has left the window is not told any more. */
export function rangesWithin(ranges: readonly DateRange[], fromMs: number, untilMs: number): readonly DateRange[] {
  return ranges
    .filter(({ startMs, durationMs, plannedDurationMs }) => startMs < untilMs && startMs + (durationMs ?? plannedDurationMs ?? 0) >= fromMs)
    .toSorted((a, b) => a.startMs - b.startMs || (a.id < b.id ? -1 : 1));
}
