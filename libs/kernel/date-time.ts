/**
 * ISO 8601 in UTC with milliseconds from ms since the Unix epoch. Pure calendar arithmetic (Howard Hinnant,
 * "chrono-compatible low-level date algorithms"), since a core has no `Date`.
 */
export function dateTime(ms: number): string {
  const days = Math.floor(ms / 86_400_000);
  const shifted = days + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const yearOfEra = Math.floor((dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365);
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const monthPart = Math.floor((5 * dayOfYear + 2) / 153);
  const day = dayOfYear - Math.floor((153 * monthPart + 2) / 5) + 1;
  const month = monthPart < 10 ? monthPart + 3 : monthPart - 9;
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
  return `${padded(year, 4)}-${padded(month, 2)}-${padded(day, 2)}T${timeOfDay(ms - days * 86_400_000)}Z`;
}

function timeOfDay(ms: number): string {
  const hours = Math.floor(ms / 3_600_000);
  const minutes = Math.floor(ms / 60_000) % 60;
  const secs = Math.floor(ms / 1000) % 60;
  return `${padded(hours, 2)}:${padded(minutes, 2)}:${padded(secs, 2)}.${padded(ms % 1000, 3)}`;
}

function padded(value: number, width: number): string {
  return String(value).padStart(width, '0');
}
