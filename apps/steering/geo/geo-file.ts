import { hasCode } from '#kernel';
import type { Place } from '#domain/edge';
import type { Logger } from '#runtime';
import { Reader, type CityResponse } from 'mmdb-lib';
import { readFile, stat } from 'node:fs/promises';

export interface GeoFound {
  readonly place: Place | null;
  /** How much of the address that holds for. */
  readonly prefix: number;
}

const nowhere: GeoFound = { place: null, prefix: 0 };
const lookEveryMs = 5_000;
const fileBytesMax = 1024 * 1024 * 1024;

/** Where addresses are, by a file in MaxMind's format that has places (City, Enterprise, or one of the same form); read anew when it changes. */
export class GeoFile {
  readonly #path: string;
  readonly #logger: Logger;
  #reader: Reader<CityResponse> | undefined;
  #seen = '';
  #timer: NodeJS.Timeout | undefined;

  constructor(path: string, logger: Logger) {
    this.#path = path;
    this.#logger = logger;
  }

  /** Reads it, and looks every five seconds whether it is another one. One that cannot be read changes nothing. */
  async open(): Promise<void> {
    await this.look();
    this.#timer = setInterval(() => void this.look(), lookEveryMs);
    this.#timer.unref();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  get isThere(): boolean {
    return this.#reader !== undefined;
  }

  async look(): Promise<void> {
    try {
      const { ino, mtimeMs, size } = await stat(this.#path);
      const seen = `${ino} ${mtimeMs} ${size}`;
      if (seen === this.#seen) return;
      // Told once for each file, whatever becomes of it.
      this.#seen = seen;
      if (size > fileBytesMax) throw new RangeError(`${size} bytes are more than can be read`);
      const reader = new Reader<CityResponse>(await readFile(this.#path));
      const { buildEpoch, databaseType } = reader.metadata;
      this.#reader = reader;
      this.#logger.info({ databaseType, built: new Date(buildEpoch).toISOString() }, `places of addresses are read from ${this.#path}`);
    } catch (err) {
      const missing = hasCode(err, 'ENOENT');
      const key = missing ? 'missing' : this.#seen;
      if (!missing || this.#seen !== key)
        this.#logger.warn(
          { err },
          `the places of addresses at ${this.#path} cannot be read; ${this.isThere ? 'those that were read stay' : 'edges are chosen without'}`,
        );
      if (missing) this.#seen = key;
    }
  }

  find(address: string): GeoFound {
    if (this.#reader === undefined) return nowhere;
    try {
      const [found, prefix] = this.#reader.getWithPrefixLength(address);
      const { latitude, longitude } = found?.location ?? {};
      const isPlace = typeof latitude === 'number' && typeof longitude === 'number' && Math.abs(latitude) <= 90 && Math.abs(longitude) <= 180;
      return { place: isPlace ? { latitude, longitude } : null, prefix };
    } catch {
      return nowhere;
    }
  }
}
