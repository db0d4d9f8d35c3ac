import { formatAge } from './format.ts';

const two = (value: number): string => String(value).padStart(2, '0');

/** An instant as `datetime-local` fields have it: the wall clock of this browser, to the second; empty for what is no time. */
export function localOf(iso: string): string {
  if (Number.isNaN(Date.parse(iso))) return '';
  const at = new Date(iso);
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  return `${day}T${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
}

/** What a `datetime-local` field has, as RFC 3339 in UTC; undefined for no time. */
export function isoOfLocal(local: string): string | undefined {
  const atMs = Date.parse(local);
  return local === '' || Number.isNaN(atMs) ? undefined : new Date(atMs).toISOString();
}

/** Where the clock of this browser stands, with its distance from UTC at that moment, or now: `Europe/Berlin, UTC+01:00`. */
export function zoneOf(iso: string): string {
  const at = Number.isNaN(Date.parse(iso)) ? new Date() : new Date(iso);
  const minutes = -at.getTimezoneOffset();
  const size = Math.abs(minutes);
  const offset = `UTC${minutes < 0 ? '-' : '+'}${two(Math.floor(size / 60))}:${two(size % 60)}`;
  const name = Intl.DateTimeFormat().resolvedOptions().timeZone;
  return name === 'UTC' ? 'UTC' : `${name}, ${offset}`;
}

/** For a person: `26 Nov 2026, 14:05:00`. */
export function formatMoment(iso: string): string {
  return new Date(iso).toLocaleString('en-GB', { day: 'numeric', month: 'short', year: 'numeric', hour: '2-digit', minute: '2-digit', second: '2-digit' });
}

/** How long ago, coarsely. */
export function ageOf(iso: string): string {
  return formatAge(Date.now() - Date.parse(iso));
}
