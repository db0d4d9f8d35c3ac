import type { CommandContext } from './context.ts';
import type { StartOptions } from './stream.commands.ts';
import { table } from './table.ts';

interface Profile {
  readonly name: string;
  readonly tenant: string;
  readonly description: string;
  readonly ladder: NonNullable<StartOptions['ladder']>;
  readonly audioBitrate: number;
  readonly segmentDurationSeconds: number;
}

export interface SetProfileOptions {
  readonly rung: NonNullable<StartOptions['ladder']>;
  readonly audio?: number;
  readonly segment?: number;
  readonly description?: string;
  readonly reason?: string;
}

const pathOf = (name: string): string => `/api/v1/encoding-profiles/${encodeURIComponent(name)}`;

function linesOf(profile: Profile): string[] {
  return [
    `${profile.name}${profile.description === '' ? '' : `  ${profile.description}`}`,
    `  tenant      ${profile.tenant}`,
    `  segments    ${profile.segmentDurationSeconds} s`,
    `  audio       ${Math.round(profile.audioBitrate / 1000)} kbit/s`,
    ...profile.ladder.map(
      ({ name, height, videoBitrate, codec }) => `  ${name.padEnd(10)}  ${height} lines  ${Math.round(videoBitrate / 1000)} kbit/s  ${codec ?? 'h264'}`,
    ),
  ];
}

export async function listProfiles({ api, print }: CommandContext): Promise<void> {
  const page = await api.call<{ readonly items: readonly Profile[] }>('GET', '/api/v1/encoding-profiles');
  print(page, () => {
    if (page.items.length === 0) return ['There are no encoding profiles: "streams profile set NAME --rung 720p:720:2800000" makes one.'];
    const rows = page.items.map(({ name, tenant, ladder, description }) => [name, tenant, ladder.map((rung) => rung.name).join(' '), description]);
    return table(['NAME', 'TENANT', 'LADDER', 'DESCRIPTION'], rows);
  });
}

export async function showProfile({ api, print }: CommandContext, name: string): Promise<void> {
  const profile = await api.call<Profile>('GET', pathOf(name));
  print(profile, () => linesOf(profile));
}

export async function setProfile(
  { api, print }: CommandContext,
  name: string,
  { rung, audio, segment, description, reason }: SetProfileOptions,
): Promise<void> {
  const profile = await api.call<Profile>('PUT', pathOf(name), {
    ladder: rung,
    ...(audio === undefined ? {} : { audioBitrate: audio }),
    ...(segment === undefined ? {} : { segmentDurationSeconds: segment }),
    ...(description === undefined ? {} : { description }),
    ...(reason === undefined ? {} : { reason }),
  });
  print(profile, () => linesOf(profile));
}

export async function removeProfile({ api, print }: CommandContext, name: string, reason?: string): Promise<void> {
  const query = reason === undefined ? '' : `?${new URLSearchParams({ reason })}`;
  await api.call('DELETE', `${pathOf(name)}${query}`);
  print({ name }, () => [`The encoding profile ${name} is no more; streams that were made with it keep its settings.`]);
}
