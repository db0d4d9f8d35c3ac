import { Prng } from '#kernel';
import type { FolderEntry, StoreFile, StoreFolder } from './store-folder.ts';

interface Write {
  readonly position: number;
  readonly bytes: Uint8Array;
}

interface Held {
  /** What a reader sees: the page cache. */
  bytes: Uint8Array;
  /** What survives a loss of power for certain. */
  synced: Uint8Array;
  /** Written since. */
  unsynced: Write[];
}

export interface DiskPlan {
  /** The machine stops in the middle of this operation on the disk, counted from now. */
  readonly stopAt: number;
  /** Of the reads and writes, so many fail with EIO. */
  readonly errors: number;
  /** Of the reads, so many bring one bit that is wrong. */
  readonly flips: number;
  readonly bytesMax: number;
}

export const kindDisk: DiskPlan = { stopAt: Infinity, errors: 0, flips: 0, bytesMax: Infinity };

const failure = (code: string): Error => Object.assign(new Error(code), { code });

function patched(into: Uint8Array, { bytes, position }: Write): Uint8Array {
  const end = position + bytes.length;
  const grown = end > into.length ? new Uint8Array(end) : into;
  if (grown !== into) grown.set(into);
  grown.set(bytes, position);
  return grown;
}

/** A folder in memory on a disk that lies, fills up, breaks and stops, as the dice say. */
export class SimFolder {
  readonly #dice: Prng;
  readonly #files = new Map<string, Held>();
  #plan = kindDisk;
  #operations = 0;
  /** Grows at each crash: what belongs to an earlier life never answers again. */
  #life = 0;
  #stopped = false;
  #stop = Promise.withResolvers<'stopped'>();

  constructor(seed: number) {
    this.#dice = new Prng(seed);
  }

  /** Resolves when the machine stops. */
  get stopping(): Promise<'stopped'> {
    return this.#stop.promise;
  }

  get bytes(): number {
    return [...this.#files.values()].reduce((sum, { bytes }) => sum + bytes.length, 0);
  }

  names(): string[] {
    return [...this.#files.keys()];
  }

  /** Damages a file in the middle, or elsewhere. */
  damage(name: string, share = 0.5): void {
    const held = this.#files.get(name) as Held;
    const at = Math.floor(held.bytes.length * share);
    held.bytes[at] = (held.bytes[at] as number) ^ 1;
  }

  start(plan: DiskPlan): StoreFolder {
    this.#plan = plan;
    this.#operations = 0;
    this.#stopped = false;
    this.#stop = Promise.withResolvers();
    const life = ++this.#life;
    return {
      list: () => this.#do(life, () => [...this.#files].map(([name, { bytes }]): FolderEntry => ({ name, bytes: bytes.length }))),
      create: (name) =>
        this.#do(life, () => {
          const held = { bytes: new Uint8Array(), synced: new Uint8Array(), unsynced: [] };
          this.#files.set(name, held);
          return this.#file(held, life);
        }),
      open: (name) => this.#do(life, () => this.#file(this.#held(name), life)),
      rename: (from, to) =>
        this.#do(life, () => {
          this.#files.set(to, this.#held(from));
          this.#files.delete(from);
        }),
      remove: (name) => this.#do(life, () => void this.#files.delete(name)),
      close: () => this.#do(life, () => undefined),
    };
  }

  /** What is left when the process is killed, or the power goes: then each write since the last sync is there, or in part, or not. */
  crash(power: boolean): void {
    this.#life++;
    this.#stopped = true;
    for (const held of this.#files.values()) {
      if (power) {
        let bytes = held.synced;
        for (const write of held.unsynced) {
          if (this.#dice.next() < 0.4) continue;
          const length = this.#dice.next() < 0.3 ? this.#dice.nextInteger(0, write.bytes.length) : write.bytes.length;
          bytes = patched(bytes, { position: write.position, bytes: write.bytes.subarray(0, length) });
        }
        held.bytes = new Uint8Array(bytes);
      }
      held.synced = new Uint8Array(held.bytes);
      held.unsynced = [];
    }
  }

  #held(name: string): Held {
    const held = this.#files.get(name);
    if (held === undefined) throw failure('ENOENT');
    return held;
  }

  #file(held: Held, life: number): StoreFile {
    return {
      read: (into, position) =>
        this.#do(life, () => {
          this.#maybeFail();
          return this.#read(held, into, position);
        }),
      readNow: (into, position) => {
        if (life !== this.#life || this.#stopped || this.#dice.next() < 0.5) return undefined;
        return this.#read(held, into, position);
      },
      write: (bytes, position) =>
        this.#do(
          life,
          () => this.#write(held, { position, bytes: new Uint8Array(bytes) }),
          () => this.#tear(held, bytes, position),
        ),
      sync: () =>
        this.#do(life, () => {
          this.#maybeFail();
          held.synced = new Uint8Array(held.bytes);
          held.unsynced = [];
        }),
      close: () => this.#do(life, () => undefined),
    };
  }

  #read(held: Held, into: Uint8Array, position: number): number {
    const bytes = held.bytes.subarray(position, position + into.length);
    into.set(bytes);
    const at = this.#dice.nextInteger(0, Math.max(0, bytes.length - 1));
    if (this.#dice.next() < this.#plan.flips && bytes.length > 0) into[at] = (into[at] as number) ^ (1 << this.#dice.nextInteger(0, 7));
    return bytes.length;
  }

  #write(held: Held, write: Write): void {
    this.#maybeFail();
    const more = Math.max(0, write.position + write.bytes.length - held.bytes.length);
    const room = Math.max(0, this.#plan.bytesMax - this.bytes);
    if (more > room) {
      this.#tear(held, write.bytes.subarray(0, Math.max(0, write.bytes.length - (more - room))), write.position);
      throw failure('ENOSPC');
    }
    this.#apply(held, write);
  }

  #tear(held: Held, bytes: Uint8Array, position: number): void {
    this.#apply(held, { position, bytes: bytes.slice(0, this.#dice.nextInteger(0, bytes.length)) });
  }

  #apply(held: Held, write: Write): void {
    held.bytes = patched(held.bytes, write);
    held.unsynced.push(write);
  }

  #maybeFail(): void {
    if (this.#dice.next() < this.#plan.errors) throw failure('EIO');
  }

  /** An operation takes a while, and one that the crash meets never ends. */
  async #do<Result>(life: number, work: () => Result, torn: () => void = () => undefined): Promise<Result> {
    await new Promise((resolve) => setImmediate(resolve));
    if (life !== this.#life || this.#stopped) return new Promise(() => undefined);
    if (++this.#operations >= this.#plan.stopAt) {
      torn();
      this.#stopped = true;
      this.#stop.resolve('stopped');
      return new Promise(() => undefined);
    }
    return work();
  }
}
