import { OperatingError } from '#kernel';
import { randomUUID } from 'node:crypto';
import { chmod, link, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { from, newRingKey, ringKeyOf, type KeyRing, type RingKey } from './local-master-key.adapter.ts';

export interface FileKeyRingInit {
  readonly path: string;
  /** Whether a file that is not there is made, with a first key. */
  readonly mayMake: boolean;
  /** Whether this platform adds keys, and takes old ones out. */
  readonly mayChange: boolean;
}

const linePattern = /^[A-Za-z0-9+/]{43}=$/;

/** Master keys in a file that its owner alone can read: 32 bytes of base64 a line, oldest first; lines that begin with `#` are for people. */
export class FileKeyRing implements KeyRing {
  readonly #init: FileKeyRingInit;

  constructor(init: FileKeyRingInit) {
    this.#init = init;
  }

  get place(): string {
    return this.#init.path;
  }

  async read(): Promise<readonly RingKey[]> {
    const { path, mayMake } = this.#init;
    const text = await readFile(path, 'utf8').catch((cause: unknown) => {
      if (isError(cause, 'ENOENT') && mayMake) return undefined;
      throw unreadable(path, cause instanceof Error ? cause.message : String(cause), cause);
    });
    return text === undefined ? this.#make() : parse(path, text);
  }

  async add(key: RingKey): Promise<void> {
    await this.#write([...(await this.read()), key]);
  }

  async forgetBefore(id: string): Promise<void> {
    if (this.#init.mayChange) await this.#write(from(await this.read(), id));
  }

  /** Of several processes that find no file, one makes it: a link never takes the place of what is there. */
  async #make(): Promise<readonly RingKey[]> {
    const { path } = this.#init;
    await mkdir(dirname(path), { recursive: true });
    const draft = `${path}.${randomUUID()}.new`;
    await writeFile(draft, textOf([newRingKey()]), { mode: 0o600 });
    await link(draft, path).catch((error: unknown) => {
      if (!isError(error, 'EEXIST')) throw error;
    });
    await rm(draft);
    return parse(path, await readFile(path, 'utf8'));
  }

  async #write(keys: readonly RingKey[]): Promise<void> {
    const { path, mayChange } = this.#init;
    if (!mayChange) {
      const message = `${path} is not this platform's to change: add a line at its end (32 random bytes in base64), restart, then rotate.`;
      throw new OperatingError(message, { code: 'MASTER_KEY_READ_ONLY', retryable: false });
    }
    const draft = `${path}.${randomUUID()}.new`;
    await writeFile(draft, textOf(keys), { mode: 0o600, flush: true });
    await chmod(draft, 0o600);
    await rename(draft, path);
  }
}

function isError(error: unknown, code: string): boolean {
  return (error as NodeJS.ErrnoException | null)?.code === code;
}

function textOf(keys: readonly RingKey[]): string {
  const lines = keys.map(({ key }) => Buffer.from(key).toString('base64'));
  return `# Master keys of the personal data of this platform, oldest first. Who loses them loses that data.\n${lines.join('\n')}\n`;
}

function parse(path: string, text: string): readonly RingKey[] {
  const lines = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
  if (lines.length === 0 || lines.some((line) => !linePattern.test(line))) throw unreadable(path, 'it holds something else than keys of 32 bytes in base64');
  return lines.map((line) => ringKeyOf(Buffer.from(line, 'base64')));
}

function unreadable(path: string, why: string, cause?: unknown): OperatingError {
  return new OperatingError(`The file of master keys ${path} cannot be used: ${why}.`, { code: 'MASTER_KEY_MISSING', retryable: false, cause });
}
