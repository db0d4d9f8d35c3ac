import { Clock } from '#ports';
import { appLogger, Lifecycle, type Logger } from '#runtime';
import type { Provider } from '@nestjs/common';
import { SegmentLists } from '../origin/segment-lists.ts';
import { StreamExtras } from '../streams/stream-extras.ts';
import { StreamReader } from '../streams/stream-reader.ts';
import { LivePlaylists } from './live-playlists.ts';
import { LiveSegments } from './live-segments.ts';
import { liveViewDefaults, LiveViews } from './live-views.ts';

/** Playlists and parts of live streams at their live edge. */
export const lowLatencyProviders: readonly Provider[] = [
  {
    provide: LiveViews,
    useFactory: (streams: StreamReader, lists: SegmentLists, clock: Clock, logger: Logger, lifecycle: Lifecycle) => {
      const views = new LiveViews(liveViewDefaults, { streams, lists, clock, logger });
      // Whoever waits is answered before the server waits for its requests.
      lifecycle.onStop('accept', 'live views', () => views.close());
      return views;
    },
    inject: [StreamReader, SegmentLists, Clock, appLogger, Lifecycle],
  },
  { provide: LivePlaylists, useFactory: (views: LiveViews, extras: StreamExtras) => new LivePlaylists(views, extras), inject: [LiveViews, StreamExtras] },
  { provide: LiveSegments, useFactory: (views: LiveViews) => new LiveSegments(views), inject: [LiveViews] },
];
