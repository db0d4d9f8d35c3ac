import { AggregateStore, Clock, ReadStore } from '#ports';
import { CommandExecutor } from '#runtime';
import type { Provider } from '@nestjs/common';
import { PlaylistReader } from '../origin/playlist-reader.ts';
import { SegmentLists } from '../origin/segment-lists.ts';
import { TsPlaylists } from '../origin/ts-playlists.ts';
import type { GatewaySettings } from '../gateway.config.ts';
import { ProfileDesk } from '../profiles/profile-desk.ts';
import { AudienceReader } from './audience-reader.ts';
import { StreamCommands } from './stream-commands.ts';
import { StreamDefaults } from './stream-defaults.ts';
import { StreamExtras } from './stream-extras.ts';
import { StreamReader } from './stream-reader.ts';

/** Streams: their commands, their rows and their playlists. */
export function streamProviders({ dvrWindowMs, passThroughTenants }: GatewaySettings): readonly Provider[] {
  return [
    { provide: StreamDefaults, useFactory: (desk: ProfileDesk) => new StreamDefaults({ dvrWindowMs, passThroughTenants }, desk), inject: [ProfileDesk] },
    {
      provide: ProfileDesk,
      useFactory: (commands: CommandExecutor, aggregates: AggregateStore, reads: ReadStore) => new ProfileDesk(commands, aggregates, reads),
      inject: [CommandExecutor, AggregateStore, ReadStore],
    },
    { provide: StreamCommands, useFactory: (commands: CommandExecutor, clock: Clock) => new StreamCommands(commands, clock), inject: [CommandExecutor, Clock] },
    {
      provide: StreamReader,
      useFactory: (reads: ReadStore, aggregates: AggregateStore) => new StreamReader(reads, aggregates),
      inject: [ReadStore, AggregateStore],
    },
    { provide: SegmentLists, useFactory: (reads: ReadStore) => new SegmentLists(reads), inject: [ReadStore] },
    { provide: AudienceReader, useFactory: (reads: ReadStore, clock: Clock) => new AudienceReader(reads, clock), inject: [ReadStore, Clock] },
    { provide: StreamExtras, useFactory: (reads: ReadStore) => new StreamExtras(reads), inject: [ReadStore] },
    {
      provide: PlaylistReader,
      useFactory: (streams: StreamReader, lists: SegmentLists, extras: StreamExtras, now: Clock) => new PlaylistReader(streams, lists, extras, now),
      inject: [StreamReader, SegmentLists, StreamExtras, Clock],
    },
    {
      provide: TsPlaylists,
      useFactory: (streams: StreamReader, reads: ReadStore, now: Clock) => new TsPlaylists(streams, new SegmentLists(reads), now),
      inject: [StreamReader, ReadStore, Clock],
    },
  ];
}
