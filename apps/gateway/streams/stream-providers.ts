import { AggregateStore, Clock, ReadStore } from '#ports';
import { CommandExecutor } from '#runtime';
import type { Provider } from '@nestjs/common';
import { PlaylistReader } from '../origin/playlist-reader.ts';
import { StreamCommands } from './stream-commands.ts';
import { StreamReader } from './stream-reader.ts';

/** Streams: their commands, their rows and their playlists. */
export const streamProviders: readonly Provider[] = [
  { provide: StreamCommands, useFactory: (commands: CommandExecutor) => new StreamCommands(commands), inject: [CommandExecutor] },
  {
    provide: StreamReader,
    useFactory: (reads: ReadStore, aggregates: AggregateStore) => new StreamReader(reads, aggregates),
    inject: [ReadStore, AggregateStore],
  },
  {
    provide: PlaylistReader,
    useFactory: (streams: StreamReader, reads: ReadStore, now: Clock) => new PlaylistReader(streams, reads, now),
    inject: [StreamReader, ReadStore, Clock],
  },
];
