/** A fragment of a playlist, as far as places in time go. Seconds of the player's own timeline. */
export interface TimedFragment {
  readonly start: number;
  readonly duration: number;
  /** Wall clock of its first frame, ms since the Unix epoch; null when the playlist does not say. */
  readonly programDateTime: number | null;
}

/** The part of a stream that a viewer can go to. */
export interface SeekRange {
  readonly start: number;
  readonly end: number;
}

/** Wall clock of a place, ms; undefined outside of what is known. */
export function clockAt(fragments: readonly TimedFragment[], at: number): number | undefined {
  let [low, high] = [0, fragments.length - 1];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((fragments[middle] as TimedFragment).start <= at) low = middle;
    else high = middle - 1;
  }
  const found = fragments[low];
  if (found === undefined || found.programDateTime === null) return undefined;
  return found.programDateTime + (at - found.start) * 1000;
}

export interface Newest {
  /** Wall clock of the end of what the playlist has, ms; undefined when it does not say. */
  readonly newestMs: number | undefined;
  readonly targetMs: number;
  readonly nowMs: number;
  /** How long ago the playlist came, ms. */
  readonly askedMs: number;
  /** How long it has been seen to get no longer, ms. */
  readonly stillMs: number;
}

/** Nothing new for so many target durations: more than an encoder that was replaced, or a packager that died, makes anybody wait. */
const quietTargets = 4;
/** The clock alone may mislead: an encoder's that has run slow for a day, say. Who has just come looks on for so many target durations. */
const stillTargets = 1.5;
/** A playlist that is held until there is something new comes without it in the end. */
const askedTargetsMax = 8;

/** Whether nothing more is sent: the playlist comes and gets no longer, and what is in it gets older. */
export function isInterrupted({ askedMs, newestMs, nowMs, stillMs, targetMs }: Newest): boolean {
  const isOld = newestMs !== undefined && nowMs - newestMs > quietTargets * targetMs;
  return isOld && stillMs > stillTargets * targetMs && askedMs < askedTargetsMax * targetMs;
}

export function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), high);
}

/** Where on a bar from 0 to 1 a place is. */
export function shareOf({ start, end }: SeekRange, at: number): number {
  return end <= start ? 1 : clamp((at - start) / (end - start), 0, 1);
}

/** `4:05`, `1:02:03`; below zero with a minus. */
export function clockText(seconds: number): string {
  const whole = Math.round(Math.abs(seconds));
  const two = (value: number): string => String(value).padStart(2, '0');
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60)];
  const text = hours === 0 ? `${minutes}:${two(whole % 60)}` : `${hours}:${two(minutes)}:${two(whole % 60)}`;
  return seconds < 0 && whole > 0 ? `−${text}` : text;
}

/** A place as it is told: how far behind live, or how far into the recording. */
export function placeText({ start, end }: SeekRange, at: number, live: boolean): string {
  return live ? clockText(Math.min(0, at - end)) : clockText(at - start);
}
