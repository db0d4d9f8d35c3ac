import { mkdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { blobBytesMax } from '#ports';
import type { ProbedFile, Track } from './recording-plan.core.ts';
import { RecordingTools, type RecordingToolsDeps } from './recording-tools.ts';

export interface StoredFiles {
  readonly mp4Cid: string;
  readonly mp4Bytes: number;
  /** Null where there is no picture to take one of. */
  readonly posterCid: string | null;
  readonly posterBytes: number;
}

export type MadeFile =
  | { readonly kind: 'made'; readonly files: StoredFiles; readonly probed: ProbedFile }
  | { readonly kind: 'too-large'; readonly sizeBytes: number };

/** Makes tracks into one file and a poster of it, each stored by its content; what is under way lies in a folder of its own. */
export class FileMaker {
  readonly #folder: string;
  readonly #deps: RecordingToolsDeps;

  /** @param folder for files under way; a process has it for itself */
  constructor(folder: string, deps: RecordingToolsDeps) {
    this.#folder = folder;
    this.#deps = deps;
  }

  /** Removes what a process that was killed has left. */
  async sweep(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }

  /** @param key names the folder of this file. @throws OperatingError of {@link RecordingTools} */
  async make(key: string, tracks: readonly Track[], signal: AbortSignal): Promise<MadeFile> {
    const folder = join(this.#folder, key);
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder, { recursive: true });
    try {
      return await this.#make(tracks, new RecordingTools(this.#deps, folder, signal));
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  async #make(tracks: readonly Track[], tools: RecordingTools): Promise<MadeFile> {
    const path = await tools.mux(tracks);
    const { size } = await stat(path);
    if (size > blobBytesMax) return { kind: 'too-large', sizeBytes: size };
    const probed = await tools.probe(path);
    const picture = probed.videoCodec === null ? undefined : await tools.poster(path, probed.durationMs);
    const poster = picture === undefined ? undefined : await tools.store(picture);
    const mp4 = await tools.store(path);
    const files = { mp4Cid: mp4.cid, mp4Bytes: mp4.sizeBytes, posterCid: poster?.cid ?? null, posterBytes: poster?.sizeBytes ?? 0 };
    return { kind: 'made', files, probed };
  }
}
