import { hasCode } from '#kernel';
import type { MasterKey, SubjectKey, SubjectKeyStore } from '#ports';
import type { RegionSecrets } from './region-secrets.ts';
import { dataKeyOf, openText } from './subject-cipher.ts';

export interface SubjectLinkerDeps {
  readonly store: SubjectKeyStore;
  readonly master: MasterKey;
  readonly secrets: RegionSecrets;
}

/** Live keys of one tenant that cannot be unwrapped here, so that nobody knows whose they are. */
export interface LockedKeys {
  readonly tenant: string;
  readonly count: number;
  /** When the first of them was made, ms. */
  readonly oldestAtMs: number;
  /** What wraps them. */
  readonly masterIds: readonly string[];
}

export interface Linked {
  readonly linked: number;
  readonly locked: readonly LockedKeys[];
}

const keysAtOnce = 500;

/**
 * Links subjects by a secret of the regions that were written of before it was set: under another one, or under none. Their
 * names are kept with their keys, encrypted by them.
 */
export class SubjectLinker {
  readonly #deps: SubjectLinkerDeps;

  constructor(deps: SubjectLinkerDeps) {
    this.#deps = deps;
  }

  /**
   * Links every subject that has a live key and is not linked by that secret yet. May end anywhere, and be done by several at once.
   * @throws OperatingError of the store, `MASTER_KEY_UNAVAILABLE`
   */
  async link(check: string, signal?: AbortSignal): Promise<Linked> {
    const { store, secrets } = this.#deps;
    let linked = 0;
    const locked = new Map<string, LockedKeys>();
    for (let after = ''; signal?.aborted !== true;) {
      const keys = await store.unlinked({ check, after, limit: keysAtOnce });
      const links = [];
      for (const key of keys) {
        const name = await this.#nameOf(key);
        if (name === undefined) locked.set(key.tenant, withLocked(locked.get(key.tenant), key));
        const shared = name ? secrets.standInOf(name, check) : undefined;
        if (shared !== undefined) links.push({ shared, check, subject: key.subject });
      }
      if (links.length > 0) await store.link(links);
      linked += links.length;
      after = keys.at(-1)?.keyId ?? '';
      if (keys.length < keysAtOnce) break;
    }
    return { linked, locked: [...locked.values()] };
  }

  /** Undefined where somebody else may be able to tell. */
  async #nameOf({ keyId, key, sealedName }: SubjectKey): Promise<string | undefined> {
    if (key === undefined || sealedName === undefined) return '';
    try {
      return openText(dataKeyOf(keyId, await this.#deps.master.unwrap(key)), sealedName) ?? '';
    } catch (error) {
      if (hasCode(error, 'MASTER_KEY_MISSING')) return undefined;
      // Nobody can read what was encrypted under a key that is damaged: there is nothing to erase.
      if (hasCode(error, 'SUBJECT_KEY_DAMAGED')) return '';
      throw error;
    }
  }
}

function withLocked(known: LockedKeys | undefined, { tenant, key, createdAtMs }: SubjectKey): LockedKeys {
  const { count, oldestAtMs, masterIds } = known ?? { count: 0, oldestAtMs: createdAtMs, masterIds: [] };
  const wrappedBy = key === undefined ? [] : [key.masterId];
  return { tenant, count: count + 1, oldestAtMs: Math.min(oldestAtMs, createdAtMs), masterIds: [...new Set([...masterIds, ...wrappedBy])] };
}
