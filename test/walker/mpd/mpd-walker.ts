import { numbersOf, readMpd, type ReadEntry, type ReadMpd, type ReadPeriod, type ReadRepresentation, type ReadSet } from './mpd.ts';
import { readInit, readSegment } from './media.ts';
import { mpdRules, updateRules } from './rules.ts';

/** What a walk found, and how much it saw. */
export interface MpdFindings {
  /** `clause (what it says), where: what is wrong`, each once. */
  readonly violations: Set<string>;
  manifests: number;
  segments: number;
  /** Segments that say that they have no content. */
  withoutContent: number;
  /** Segments whose rest never came: a publisher left while they were made. */
  brokenOff: number;
}

export const noMpdFindings = (): MpdFindings => ({ violations: new Set(), manifests: 0, segments: 0, withoutContent: 0, brokenOff: 0 });

/** Holds a manifest, and what became of it since a client had it, to the rules. */
export function judgeMpd({ violations }: Pick<MpdFindings, 'violations'>, before: ReadMpd | undefined, after: ReadMpd): void {
  for (const { clause, says, check } of mpdRules) for (const wrong of check(after)) violations.add(`${clause} (${says}): ${wrong}`);
  if (before !== undefined)
    for (const { clause, says, check } of updateRules) for (const wrong of check(before, after)) violations.add(`${clause} (${says}): ${wrong}`);
}

interface Found {
  readonly period: ReadPeriod;
  readonly set: ReadSet;
  readonly representation: ReadRepresentation;
  readonly number: number;
  readonly entry: ReadEntry;
}

const pollMs = 700;
/** Segments of each representation that are fetched of what is there at first. */
const firstSegments = 3;

/**
 * Reads the manifest of a stream again and again, as a client does that was there from now on, fetches every segment that is
 * announced as soon as it may be had, and holds all of it to ISO/IEC 23009-1: what is announced is there, and where and as long as it was told.
 */
export class MpdWalker {
  readonly findings: MpdFindings = noMpdFindings();
  readonly #url: string;
  readonly #stop = new AbortController();
  readonly #seen = new Set<string>();
  readonly #inits = new Map<string, Promise<ReturnType<typeof readInit> | undefined>>();
  readonly #fetching: Promise<void>[] = [];
  #before: ReadMpd | undefined;
  #walking: Promise<void> | undefined;

  constructor(url: string) {
    this.#url = url;
  }

  start(): void {
    this.#walking = this.#walk();
  }

  async stop(): Promise<MpdFindings> {
    this.#stop.abort();
    await this.#walking;
    await Promise.all(this.#fetching);
    return this.findings;
  }

  async #walk(): Promise<void> {
    for (; !this.#stop.signal.aborted; await new Promise((resolve) => setTimeout(resolve, pollMs))) {
      const response = await fetch(this.#url);
      const text = await response.text();
      if (!response.ok) continue;
      try {
        const mpd = readMpd(text);
        judgeMpd(this.findings, this.#before, mpd);
        this.findings.manifests += 1;
        for (const found of this.#announced(mpd)) this.#fetching.push(this.#fetch(found));
        this.#before = mpd;
      } catch (error) {
        this.findings.violations.add(`${error instanceof Error ? error.message : String(error)}`);
      }
    }
  }

  /** Segments that may be had now (5.3.9.5.3) and were not fetched yet. */
  #announced(mpd: ReadMpd): readonly Found[] {
    const nowSec = (Date.now() - mpd.availabilityStartMs) / 1000;
    return mpd.periods.flatMap((period, at) => {
      const endSec = (mpd.periods[at + 1]?.startSec ?? (mpd.durationSec > 0 ? mpd.durationSec : Infinity)) - period.startSec;
      return period.sets.flatMap((set) =>
        set.representations.flatMap((representation) => {
          const { template } = representation;
          const untilSec = Math.min(endSec + 0.1, mpd.dynamic ? nowSec - period.startSec + (template.availabilityTimeOffset ?? 0) : Infinity);
          const numbers = [...numbersOf(template, untilSec)];
          return (this.#before === undefined ? numbers.slice(-firstSegments) : numbers.slice(-2 * firstSegments)).flatMap(([number, entry]) => {
            const key = `${period.id} ${representation.id} ${number}`;
            if (this.#seen.has(key)) return [];
            this.#seen.add(key);
            return [{ period, set, representation, number, entry }];
          });
        }),
      );
    });
  }

  async #fetch({ period, set, representation, number, entry }: Found): Promise<void> {
    const { template, id } = representation;
    const named = (name: string): string =>
      new URL(name.replaceAll('$RepresentationID$', id).replaceAll('$Number$', `${number}`).replaceAll('$Time$', `${entry.time}`), this.#url).href;
    const where = `${period.id}/${id} ${number}`;
    const note = (rule: string): void => void this.findings.violations.add(`${rule}, ${where}`);
    try {
      const response = await fetch(named(template.media));
      const bytes = await response.bytes().catch(() => undefined);
      if (bytes === undefined) return void (this.findings.brokenOff += 1);
      if (response.status !== 200) return note(`5.3.9.5.3 (what is announced is there): ${response.status}`);
      this.findings.segments += 1;
      if (set.contentType === 'text') return new TextDecoder().decode(bytes).startsWith('WEBVTT') ? undefined : note('5.3.7.2 (text is what its type says)');
      if (set.contentType === 'image') return bytes[0] === 0xff && bytes[1] === 0xd8 ? undefined : note('5.3.7.2 (an image is what its type says)');
      const init = await this.#init(named(template.initialization ?? ''));
      if (init === undefined) return note('5.3.9.4.2 (there is an initialisation)');
      const found = readSegment(bytes, init.sampleDuration);
      if (found === undefined) return void (this.findings.withoutContent += 1);
      const seconds = {
        time: found.time / init.timescale - entry.time / template.timescale,
        duration: found.duration / init.timescale - entry.duration / template.timescale,
      };
      // 5.3.9.6.1: exact where it is listed, but for rounding to microseconds; 5.3.9.5.3: half of a duration where it is counted.
      const tolerance = template.entries === undefined ? entry.duration / template.timescale / 2 : 0.000_01;
      if (Math.abs(seconds.time) > tolerance) note(`5.3.9.6.1 (a segment begins where it is announced): ${seconds.time} s off`);
      if (Math.abs(seconds.duration) > tolerance) note(`5.3.9.6.1 (a segment lasts as long as announced): ${seconds.duration} s off`);
    } catch (error) {
      note(`a segment can be read: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  #init(href: string): Promise<ReturnType<typeof readInit> | undefined> {
    let init = this.#inits.get(href);
    if (init === undefined) {
      init = fetch(href).then(async (response) => (response.ok ? readInit(new Uint8Array(await response.arrayBuffer())) : undefined));
      this.#inits.set(href, init);
    }
    return init;
  }
}
