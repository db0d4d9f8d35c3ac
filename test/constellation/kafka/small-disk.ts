import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);
/** Of `ulimit -f`, in POSIX. */
const blockBytes = 512;

/**
 * A disk that a broker fills up: a file system in memory of so many bytes where we may mount one; else, as any user
 * may, a bound on the size of each file that the broker writes. Either way its next write fails, which for Kafka is the end
 * of that disk.
 */
export class SmallDisk {
  readonly #path: string;
  readonly #sizeBytes: number;
  readonly #isMounted: boolean;
  #isSmall = true;

  private constructor(path: string, sizeBytes: number, isMounted: boolean) {
    this.#path = path;
    this.#sizeBytes = sizeBytes;
    this.#isMounted = isMounted;
  }

  static async at(path: string, sizeBytes: number): Promise<SmallDisk> {
    await mkdir(path, { recursive: true });
    const isMounted = await run('mount', ['-t', 'tmpfs', '-o', `size=${sizeBytes}`, 'tmpfs', path]).then(
      () => true,
      () => false,
    );
    return new SmallDisk(path, sizeBytes, isMounted);
  }

  /** What a shell does before it starts the broker. */
  get shellCommand(): string {
    return this.#isSmall && !this.#isMounted ? `ulimit -f ${Math.floor(this.#sizeBytes / blockBytes)}` : '';
  }

  /** From the broker's next start on there is room. */
  async grow(): Promise<void> {
    this.#isSmall = false;
    if (this.#isMounted) await run('mount', ['-o', 'remount,size=1g', this.#path]);
  }

  async remove(): Promise<void> {
    if (this.#isMounted) await run('umount', [this.#path]);
  }
}
