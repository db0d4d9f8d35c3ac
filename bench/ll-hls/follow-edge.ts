import { request } from 'node:http';
import { EdgeFrameReader, type EdgeMessage } from '#core/live-edge';
import type { Platform } from '../../test/constellation/platform.ts';

interface Started {
  readonly items: ReadonlyArray<{ readonly data: { readonly liveEdgeUrl: string; readonly sessionId: string } }>;
}

/** A reader of a stream's live edge, beside the gateways. @returns how to leave it */
export async function followEdge(platform: Platform, streamId: string, onMessage: (message: EdgeMessage) => void): Promise<() => void> {
  const { items } = await platform.api<Started>('GET', `/api/v1/events?type=encoding.started&key=${streamId}&limit=1`);
  const { liveEdgeUrl, sessionId } = (items[0] as Started['items'][number]).data;
  const reader = new EdgeFrameReader();
  const outgoing = request(`${liveEdgeUrl}?session=${sessionId}`, (response) => {
    response.on('data', (chunk: Buffer) => {
      for (const { message } of reader.push(chunk)) onMessage(message);
    });
  });
  outgoing.on('error', () => undefined);
  outgoing.end();
  return () => outgoing.destroy();
}
