const dayNames = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const monthNames = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

// RFC 9110 section 5.6.7: IMF-fixdate, and the two obsolete forms that a recipient must still accept. RFC 9111 section
// 4.2: a cache matches them without regard to case; a zone other than GMT is invalid.
const imfFixdate = /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), (\d{2}) ([a-z]{3}) (\d{4}) (\d{2}):(\d{2}):(\d{2}) GMT$/i;
const rfc850Date = /^(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day, (\d{2})-([a-z]{3})-(\d{2}) (\d{2}):(\d{2}):(\d{2}) GMT$/i;
const asctimeDate = /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) ([a-z]{3}) ([ \d]\d) (\d{2}):(\d{2}):(\d{2}) (\d{4})$/i;

/** Days from 1970-01-01 to a civil date (Howard Hinnant, "chrono-compatible low-level date algorithms"). */
function daysFromCivil(year: number, month: number, day: number): number {
  const shifted = month <= 2 ? year - 1 : year;
  const era = Math.floor(shifted / 400);
  const yearOfEra = shifted - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  return era * 146097 + yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear - 719468;
}

function civilFromDays(days: number): [year: number, month: number, day: number] {
  const shifted = days + 719468;
  const era = Math.floor(shifted / 146097);
  const dayOfEra = shifted - era * 146097;
  const yearOfEra = Math.floor((dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36524) - Math.floor(dayOfEra / 146096)) / 365);
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const shiftedMonth = Math.floor((5 * dayOfYear + 2) / 153);
  const month = shiftedMonth + (shiftedMonth < 10 ? 3 : -9);
  return [yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - Math.floor((153 * shiftedMonth + 2) / 5) + 1];
}

function fromParts(year: number, monthName: string, day: number, time: readonly (string | undefined)[]): number | undefined {
  const name = monthName.toLowerCase();
  const month = monthNames.findIndex((known) => known.toLowerCase() === name) + 1;
  const [hour, minute, second] = time.map(Number) as [number, number, number];
  // 60 is a leap second (RFC 9110 section 5.6.7 by way of RFC 5322 section 3.3).
  if (month === 0 || day < 1 || hour > 23 || minute > 59 || second > 60) return undefined;
  const days = daysFromCivil(year, month, day);
  const [, monthBack, dayBack] = civilFromDays(days);
  if (monthBack !== month || dayBack !== day) return undefined;
  return ((days * 24 + hour) * 60 + minute) * 60_000 + second * 1000;
}

/**
 * Reads an HTTP date in ms since the Unix epoch; undefined when it is none.
 * @param nowMs resolves the two-digit years of RFC 850: one more than 50 years ahead is in the past (RFC 9110 section 5.6.7).
 */
export function parseHttpDate(text: string, nowMs: number): number | undefined {
  const imf = imfFixdate.exec(text);
  if (imf !== null) return fromParts(Number(imf[3]), imf[2] as string, Number(imf[1]), imf.slice(4, 7));
  const rfc850 = rfc850Date.exec(text);
  if (rfc850 !== null) {
    const [nowYear] = civilFromDays(Math.floor(nowMs / 86_400_000));
    const year = Math.floor(nowYear / 100) * 100 + Number(rfc850[3]);
    return fromParts(year > nowYear + 50 ? year - 100 : year, rfc850[2] as string, Number(rfc850[1]), rfc850.slice(4, 7));
  }
  const asctime = asctimeDate.exec(text);
  if (asctime !== null) return fromParts(Number(asctime[6]), asctime[1] as string, Number(asctime[2]), asctime.slice(3, 6));
  return undefined;
}

const two = (value: number): string => String(value).padStart(2, '0');

/** Writes an IMF-fixdate. */
export function formatHttpDate(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  const days = Math.floor(seconds / 86400);
  const [year, month, day] = civilFromDays(days);
  const ofDay = seconds - days * 86400;
  const time = `${two(Math.floor(ofDay / 3600))}:${two(Math.floor(ofDay / 60) % 60)}:${two(ofDay % 60)}`;
  return `${dayNames[(((days + 4) % 7) + 7) % 7]}, ${two(day)} ${monthNames[month - 1]} ${String(year).padStart(4, '0')} ${time} GMT`;
}
