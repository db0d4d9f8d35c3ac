import { OperatingError } from '#kernel';
import { MasterKey, type WrappedKey } from '#ports';

export interface TransitInit {
  /** Of the key, such as `https://vault.example:8200/v1/transit/keys/streams`. */
  readonly url: string;
  readonly token: string;
  readonly timeoutMs?: number;
}

const versionPattern = /^vault:v(\d+):/;

/**
 * A key in the transit engine of HashiCorp Vault or OpenBao (https://openbao.org/api-docs/secret/transit/): it wraps and
 * unwraps there, and never comes here. Its versions are the master keys.
 */
export class TransitMasterKey extends MasterKey {
  readonly #mount: string;
  readonly #name: string;
  readonly #init: TransitInit;

  constructor(init: TransitInit) {
    super();
    const [, mount, name] = /^(.+)\/keys\/([\w.-]+)$/.exec(init.url) ?? [];
    if (mount === undefined || name === undefined) {
      throw new OperatingError(`MASTER_KEY_URL must end with /keys/<name>, such as https://vault:8200/v1/transit/keys/streams.`, {
        code: 'SETTING_INVALID',
        retryable: false,
      });
    }
    this.#mount = mount;
    this.#name = name;
    this.#init = init;
  }

  override async newest(): Promise<string> {
    const { latest_version: version } = await this.#ask('GET', `keys/${this.#name}`);
    return this.#idOf(String(version));
  }

  override async wrap(key: Uint8Array): Promise<WrappedKey> {
    const { ciphertext } = await this.#ask('POST', `encrypt/${this.#name}`, { plaintext: Buffer.from(key).toString('base64') });
    const version = versionPattern.exec(String(ciphertext))?.[1];
    if (version === undefined) throw unavailable('It answered no ciphertext of a known form.');
    return { masterId: this.#idOf(version), wrapped: Buffer.from(String(ciphertext)) };
  }

  override async unwrap({ masterId, wrapped }: WrappedKey): Promise<Uint8Array> {
    if (!masterId.startsWith(`transit:${this.#name}:`)) {
      throw new OperatingError(`The master key ${masterId} is not of ${this.#init.url}.`, { code: 'MASTER_KEY_MISSING', retryable: false });
    }
    const { plaintext } = await this.#ask('POST', `decrypt/${this.#name}`, { ciphertext: Buffer.from(wrapped).toString() });
    return Buffer.from(String(plaintext), 'base64');
  }

  override async renew(): Promise<string> {
    await this.#ask('POST', `keys/${this.#name}/rotate`);
    return this.newest();
  }

  /** Older versions no longer decrypt; what they are themselves, the engine trims by its own rules. */
  override async forgetBefore(masterId: string): Promise<void> {
    const version = masterId.slice(this.#idOf('').length);
    await this.#ask('POST', `keys/${this.#name}/config`, { min_decryption_version: Number(version) });
  }

  #idOf(version: string): string {
    return `transit:${this.#name}:${version}`;
  }

  async #ask(method: 'GET' | 'POST', path: string, body?: object): Promise<Record<string, unknown>> {
    const { token, timeoutMs = 5_000 } = this.#init;
    const response = await fetch(`${this.#mount}/${path}`, {
      method,
      headers: { 'x-vault-token': token, 'content-type': 'application/json' },
      signal: AbortSignal.timeout(timeoutMs),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    }).catch((cause: unknown) => {
      throw unavailable('It does not answer.', cause);
    });
    const text = await response.text();
    // 4xx: the token, the policy or the key is wrong, and stays so until somebody sees to it.
    if (response.status >= 400 && response.status < 500 && response.status !== 429) {
      throw new OperatingError(`The key service refused (${response.status}): ${text.slice(0, 300)}`, { code: 'MASTER_KEY_MISSING', retryable: false });
    }
    if (!response.ok) throw unavailable(`It answered ${response.status}.`);
    return ((text === '' ? {} : JSON.parse(text)) as { data?: Record<string, unknown> | null }).data ?? {};
  }
}

function unavailable(why: string, cause?: unknown): OperatingError {
  return new OperatingError(`The key service that holds the master key is not to be had: ${why}`, { code: 'MASTER_KEY_UNAVAILABLE', retryable: true, cause });
}
