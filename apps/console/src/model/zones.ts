/** As the API answers. */
export interface Zone {
  readonly id: string;
  readonly name: string;
  readonly tenant: string;
  readonly version: number;
  readonly etag: string;
  readonly shieldUrl: string | null;
  readonly configuration: ZoneConfiguration;
}

export interface ZoneConfiguration {
  readonly hosts: readonly string[];
  readonly origins: ReadonlyArray<{ readonly url: string; readonly weight?: number; readonly backup?: boolean }>;
  readonly rules?: readonly unknown[];
  /** Addresses and networks that may PURGE without a key. */
  readonly purgers?: readonly string[];
}

export interface ZoneVersion {
  readonly version: number;
  readonly at: string | null;
  readonly by: string;
  readonly reason: string;
  readonly rolledBackTo: number | null;
  readonly removed: boolean;
}

export interface ZoneDraft {
  readonly name: string;
  readonly text: string;
  /** Of the version that is changed; undefined for a new zone. */
  readonly etag: string | undefined;
}

export const emptyZone: ZoneDraft = {
  name: '',
  text: JSON.stringify({ hosts: ['www.shop.example'], origins: [{ url: 'https://origin.shop.example' }] }, undefined, 2),
  etag: undefined,
};

export function draftOf({ configuration, etag, name }: Zone): ZoneDraft {
  return { name, etag, text: JSON.stringify(configuration, undefined, 2) };
}

/** The configuration that somebody wrote. @throws Error with a sentence for what is no object in JSON */
export function configurationOf(text: string): object {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new Error(`This is no JSON: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  throw new Error('Expected an object, with hosts and origins.');
}

export function originsOf({ origins }: ZoneConfiguration): string {
  return origins.map(({ backup, url, weight }) => `${url}${weight === undefined ? '' : ` × ${weight}`}${backup === true ? ' (backup)' : ''}`).join(', ');
}

/** Who may PURGE without a key, in words; empty for nobody. */
export function purgersOf({ purgers = [] }: ZoneConfiguration): string {
  return purgers.length === 0 ? '' : `PURGE from ${purgers.join(', ')}`;
}

export function whatOf({ removed, rolledBackTo }: ZoneVersion): string {
  if (removed) return 'removed';
  return rolledBackTo === null ? 'configured' : `back to version ${rolledBackTo}`;
}
