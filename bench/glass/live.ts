import { Platform } from '../../test/constellation/platform.ts';
import { Publisher } from '../../test/constellation/publisher.ts';

export interface Created {
  readonly id: string;
  readonly streamKey: string;
}

export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly videoBitrate?: string;
}

/** A platform with a stream that somebody publishes. */
export interface Live {
  readonly platform: Platform;
  readonly stream: Created;
  readonly source: Picture;
  publisher: Publisher;
}

export const patienceMs = 60_000;
export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export async function live<T>(env: Readonly<Record<string, string>>, source: Picture, work: (live: Live) => Promise<T>): Promise<T> {
  const platform = await Platform.start({ env });
  try {
    const stream = await platform.api<Created>('POST', '/api/v1/stream/start', { name: 'Low latency', graceSeconds: 60 });
    const live: Live = { platform, stream, publisher: new Publisher({ url: platform.rtmpUrl(stream.streamKey), ...source }), source };
    try {
      return await work(live);
    } finally {
      await live.publisher.stop();
    }
  } finally {
    await platform.stop();
  }
}
