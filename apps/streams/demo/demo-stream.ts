import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ApiClient } from '../client/api-client.ts';
import type { StartedStream } from '../client/api.types.ts';
import { writeSecret } from '../client/key-file.ts';
import { startStream } from '../supervisor/first-run.ts';

/**
 * A new stream for this run; the one of the run before ends and becomes a recording, so that a viewer never starts in
 * yesterday's picture.
 */
export async function renewDemoStream(api: ApiClient, dataDir: string): Promise<StartedStream> {
  const file = join(dataDir, 'demo-stream');
  const last = readLast(file);
  const stream = await startStream(api, 'Demo');
  writeSecret(file, stream.id);
  // It may be stopped already, or unknown to a new database.
  if (last !== '') await api.call('POST', '/api/v1/stream/stop', { id: last, detail: 'a new demo began' }).catch(() => undefined);
  return stream;
}

function readLast(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return '';
  }
}
