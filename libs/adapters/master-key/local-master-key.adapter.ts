import { OperatingError } from '#kernel';
import { MasterKey, type WrappedKey } from '#ports';
import { createCipheriv, createDecipheriv, hash, randomBytes } from 'node:crypto';

/** A master key that this machine has. */
export interface RingKey {
  readonly id: string;
  /** 32 bytes. */
  readonly key: Uint8Array;
}

/** Master keys, oldest first. */
export interface KeyRing {
  /** Where it is, for people. */
  readonly place: string;
  /** All keys; makes the first one when there is none and `mayMake` says so. */
  read(): Promise<readonly RingKey[]>;
  add(key: RingKey): Promise<void>;
  /** Forgets those before this one; nothing when it is not there. */
  forgetBefore(id: string): Promise<void>;
}

export class MemoryKeyRing implements KeyRing {
  readonly place = 'memory';
  #keys: readonly RingKey[] = [newRingKey()];

  async read(): Promise<readonly RingKey[]> {
    return this.#keys;
  }

  async add(key: RingKey): Promise<void> {
    this.#keys = [...this.#keys, key];
  }

  async forgetBefore(id: string): Promise<void> {
    this.#keys = from(this.#keys, id);
  }
}

const nonceBytes = 12;
const tagBytes = 16;

/** The keys from this one on; all of them when it is not there. */
export function from(keys: readonly RingKey[], id: string): readonly RingKey[] {
  return keys.slice(
    Math.max(
      0,
      keys.findIndex((key) => key.id === id),
    ),
  );
}

/** The id follows from the key, so that a file that was swapped for another is found out. */
export function ringKeyOf(key: Uint8Array): RingKey {
  return { id: `mk-${hash('sha256', key, 'hex').slice(0, 16)}`, key };
}

export function newRingKey(): RingKey {
  return ringKeyOf(randomBytes(32));
}

/** Wraps by AES-256-GCM under a key of this machine; what was wrapped names its key in what is authenticated. */
export class LocalMasterKey extends MasterKey {
  readonly #ring: KeyRing;
  #keys: readonly RingKey[] | undefined;

  constructor(ring: KeyRing) {
    super();
    this.#ring = ring;
  }

  override async newest(): Promise<string> {
    return (await this.#newest()).id;
  }

  override async wrap(key: Uint8Array): Promise<WrappedKey> {
    const master = await this.#newest();
    const nonce = randomBytes(nonceBytes);
    const cipher = createCipheriv('aes-256-gcm', master.key, nonce).setAAD(Buffer.from(master.id));
    return { masterId: master.id, wrapped: Buffer.concat([nonce, cipher.update(key), cipher.final(), cipher.getAuthTag()]) };
  }

  override async unwrap({ masterId, wrapped }: WrappedKey): Promise<Uint8Array> {
    const master = await this.#byId(masterId);
    try {
      const decipher = createDecipheriv('aes-256-gcm', master.key, wrapped.subarray(0, nonceBytes));
      decipher.setAAD(Buffer.from(masterId)).setAuthTag(wrapped.subarray(-tagBytes));
      return Buffer.concat([decipher.update(wrapped.subarray(nonceBytes, -tagBytes)), decipher.final()]);
    } catch (cause) {
      throw new OperatingError('A wrapped key is damaged: its master key does not open it.', { code: 'SUBJECT_KEY_DAMAGED', retryable: false, cause });
    }
  }

  override async renew(): Promise<string> {
    const key = newRingKey();
    await this.#ring.add(key);
    this.#keys = undefined;
    return key.id;
  }

  override async forgetBefore(masterId: string): Promise<void> {
    await this.#ring.forgetBefore(masterId);
    this.#keys = undefined;
  }

  async #newest(): Promise<RingKey> {
    // Another process may have made a newer one, and be about to destroy this.
    this.#keys = await this.#ring.read();
    const newest = this.#keys.at(-1);
    if (newest === undefined) throw missing(`There is no master key in ${this.#ring.place}.`);
    return newest;
  }

  /** One that is unknown may have been added meanwhile, by another process. */
  async #byId(id: string): Promise<RingKey> {
    const known = this.#keys?.find((key) => key.id === id);
    if (known !== undefined) return known;
    this.#keys = await this.#ring.read();
    const found = this.#keys.find((key) => key.id === id);
    if (found === undefined) throw missing(`The master key ${id} is not in ${this.#ring.place}: give every process the file that has it (MASTER_KEY_FILE).`);
    return found;
  }
}

function missing(message: string): OperatingError {
  return new OperatingError(message, { code: 'MASTER_KEY_MISSING', retryable: false });
}
