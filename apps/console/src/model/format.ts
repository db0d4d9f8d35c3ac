const bytesUnits = ['B', 'KB', 'MB', 'GB', 'TB'];

/** Bytes for a person: `1.4 MB`. Decimal units. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < bytesUnits.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${value < 10 && unit > 0 ? value.toFixed(1) : Math.round(value)} ${bytesUnits[unit]}`;
}

/** Bits per second for a person: `2.7 Mbit/s`. */
export function formatBitrate(bitsPerSecond: number): string {
  if (bitsPerSecond >= 1e6) return `${(bitsPerSecond / 1e6).toFixed(1)} Mbit/s`;
  return `${Math.round(bitsPerSecond / 1e3)} kbit/s`;
}

/** A length for a person: `1:02:03`, `4:05`. */
export function formatSpan(ms: number): string {
  const seconds = Math.round(ms / 1000);
  const two = (value: number): string => String(value).padStart(2, '0');
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor((seconds % 3600) / 60)];
  return hours === 0 ? `${minutes}:${two(seconds % 60)}` : `${hours}:${two(minutes)}:${two(seconds % 60)}`;
}

/** A ratio from 0 to 1 as a percentage, a dash when there is none. */
export function formatRatio(ratio: number | null): string {
  if (ratio === null) return '–';
  // Rounding up to 100 % would hide the last misses.
  const percent = ratio >= 1 ? 100 : Math.min(99.9, ratio * 100);
  return `${percent >= 99.95 || percent === 0 ? Math.round(percent) : percent.toFixed(1)} %`;
}

/** How long ago, coarsely: `12 s`, `3 min`, `2 h`, `5 d`. */
export function formatAge(ms: number): string {
  if (Number.isNaN(ms)) return '–';
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86400)} d`;
}

type Data = Readonly<Record<string, unknown>>;

/** Fields worth a place on one line, most telling first, and how each is said. */
const tellingFields: ReadonlyArray<readonly [string, (value: unknown, data: Data) => string]> = [
  ['urls', (value) => (Array.isArray(value) ? value.join(' ') : '')],
  ['name', String],
  ['rendition', String],
  ['mediaSequence', (value) => `#${String(value)}`],
  ['durationUs', (value) => `${(Number(value) / 1e6).toFixed(2)} s`],
  ['sizeBytes', (value) => formatBytes(Number(value))],
  ['edgeId', String],
  ['hits', (value, data) => `${String(value)} hits of ${String(data['requests'])}`],
  ['reason', String],
  ['encoder', String],
  ['endpoint', String],
  ['remoteAddress', String],
  ['keyId', String],
  ['streamId', String],
];

/** The few fields of an event's data that tell it apart at a glance. */
export function gistOf(data: Data): string {
  return tellingFields
    .filter(([field]) => data[field] !== undefined && data[field] !== '')
    .slice(0, 4)
    .map(([field, say]) => say(data[field], data))
    .join(' ');
}
