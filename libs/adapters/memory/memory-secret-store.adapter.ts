import { SecretStore } from '#ports';
import { randomBytes } from 'node:crypto';

/** Secrets that live as long as their object. */
export class MemorySecretStore extends SecretStore {
  readonly #secrets = new Map<string, Uint8Array>();

  override async secret(name: string): Promise<Uint8Array> {
    const known = this.#secrets.get(name) ?? randomBytes(32);
    this.#secrets.set(name, known);
    return known;
  }

  override async known(name: string): Promise<Uint8Array | undefined> {
    return this.#secrets.get(name);
  }

  override async forget(name: string): Promise<void> {
    this.#secrets.delete(name);
  }
}
