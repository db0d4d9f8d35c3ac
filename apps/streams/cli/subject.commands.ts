import { createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream } from 'node:stream/web';
import type { CommandContext } from './context.ts';
import { counted, table } from './table.ts';

export interface SubjectOptions {
  readonly reason: string;
  readonly tenant?: string;
}

interface ErasedKey {
  readonly keyId: string;
  readonly tenant: string;
  readonly erasedAt: string | null;
}

interface Erased {
  readonly subject: string;
  readonly alreadyErased: boolean;
  readonly elsewhere: keyof typeof elsewhereLines;
  readonly keys: readonly ErasedKey[];
}

export async function eraseSubject({ api, print }: CommandContext, subject: string, { reason, tenant }: SubjectOptions): Promise<void> {
  const erased = await api.call<Erased>('POST', '/api/v1/subjects/erase', { subject, reason, tenant });
  print(erased, () => [
    erased.keys.length === 0
      ? `This region has stored nothing under a key of ${subject}, and never had.`
      : erased.alreadyErased
        ? `${subject} was erased before, at ${erased.keys.at(-1)?.erasedAt}; this region has stored nothing of it since.`
        : `${subject} is erased: its keys are destroyed, and within five seconds nobody can read what ${erased.elsewhere === 'none' ? 'was' : 'this region has'} stored of it, anywhere.`,
    ...elsewhereLines[erased.elsewhere],
    ...(erased.keys.length === 0 ? [] : keyTable(erased.keys)),
  ]);
}

/** What is and what is not erased in other regions. */
const elsewhereLines = {
  none: [],
  told: [
    'Other regions with the same REGION_SECRET destroy their own keys of it when they hear of this, and put that on record as subject.erased; one that is away does so once it is back.',
  ],
  'not-told': ['Other regions keep what they have stored of it: REGION_SECRET is not set, so they cannot know who is meant. Erase it in each of them.'],
} as const;

function keyTable(keys: readonly ErasedKey[]): readonly string[] {
  return [
    ...table(
      ['KEY', 'TENANT', 'ERASED'],
      keys.map((key) => [key.keyId, key.tenant, key.erasedAt ?? 'not erased']),
    ),
  ];
}

/** Writes the document as it comes, to a file or to standard output: it may be large. */
export async function exportSubject(
  { api }: CommandContext,
  subject: string,
  { reason, tenant, out }: SubjectOptions & { readonly out?: string },
): Promise<void> {
  const response = await api.open('POST', '/api/v1/subjects/export', { body: { subject, reason, tenant } });
  const body = Readable.fromWeb(response.body as ReadableStream);
  if (out === undefined) return pipeline(body, process.stdout, { end: false });
  await pipeline(body, createWriteStream(out, { mode: 0o600 }));
}

/** Erasures of another region that wait here. */
export interface KeptErasures {
  readonly region: string;
  readonly count: number;
  readonly oldestAt: string;
  readonly why: keyof typeof keptReasons;
}

const keptReasons = {
  'another-secret': 'REGION_SECRET of that region is another than ours: set the same in both, or add its own to REGION_SECRETS_FORMER here',
  'no-secret': 'REGION_SECRET is not set here',
  locked:
    'the projector cannot unwrap some keys of our own personal data (its log says how many, and under which master key), or has another REGION_SECRET than the gateway',
} as const;

/** What is to be done about erasures that wait. */
export function keptLines(kept: readonly KeptErasures[]): readonly string[] {
  return kept.map(
    ({ region, count, oldestAt, why }) =>
      `${counted(count, 'erasure')} of the region ${region} ${count === 1 ? 'waits' : 'wait'}, since ${oldestAt}: ${keptReasons[why]}.`,
  );
}

export interface KeyCounts {
  readonly live: number;
  readonly erased: number;
  readonly byMasterKey: Readonly<Record<string, number>>;
  readonly masterKey: string;
  readonly unnamed: number;
  readonly kept: readonly KeptErasures[];
}

export async function showKeys({ api, print }: CommandContext): Promise<void> {
  const counts = await api.call<KeyCounts>('GET', '/api/v1/subjects/keys');
  print(counts, () => [
    `${counted(counts.live, 'live key')} and ${counted(counts.erased, 'erased one')}; ${counts.masterKey} wraps now.`,
    ...table(
      ['MASTER KEY', 'KEYS'],
      Object.entries(counts.byMasterKey).map(([id, count]) => [id, String(count)]),
    ),
    ...(counts.unnamed === 0
      ? []
      : [
          `Of an older version ${counts.unnamed === 1 ? 'is' : 'are'} ${counted(counts.unnamed, 'key')}: erasures of other regions find what somebody has written of again.`,
        ]),
    ...keptLines(counts.kept),
  ]);
}

export async function giveUpMaster({ api, print }: CommandContext, lost: string, reason: string): Promise<void> {
  const given = await api.call<{ readonly masterKey: string; readonly destroyed: number }>('POST', '/api/v1/subjects/keys/give-up', {
    masterKey: lost,
    reason,
  });
  print(given, () => [
    `${counted(given.destroyed, 'key')} under the master key ${lost} ${given.destroyed === 1 ? 'is' : 'are'} destroyed: what ${given.destroyed === 1 ? 'it' : 'they'} encrypted counts as erased, for good.`,
    `People are written of again, under the master key ${given.masterKey}. Back it up.`,
  ]);
}

export async function rotateMaster({ api, print }: CommandContext, reason: string): Promise<void> {
  const rotated = await api.call<{ readonly masterKey: string; readonly rewrapped: number }>('POST', '/api/v1/subjects/keys/rotate', { reason });
  print(rotated, () => [
    `${counted(rotated.rewrapped, 'key')} ${rotated.rewrapped === 1 ? 'is' : 'are'} under the new master key ${rotated.masterKey}. Back it up;`,
    'destroy every copy of the one before, and the keys in old backups of the database open nothing any more.',
  ]);
}
