/** A file of the store. Every operation may fail with an error of the system, whose `code` says why. */
export interface StoreFile {
  /** Fills `into` from `position` on; how many bytes there were. */
  read(into: Uint8Array, position: number): Promise<number>;
  /** The same at once, where nothing has to be waited for; undefined where something has, or where that cannot be told. */
  readNow(into: Uint8Array, position: number): number | undefined;
  /** Writes all of it, or fails with any part written. */
  write(bytes: Uint8Array, position: number): Promise<void>;
  /** What was written before survives a loss of power. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

export interface FolderEntry {
  readonly name: string;
  readonly bytes: number;
}

/** The folder of one store: nobody else writes there while it is open. */
export interface StoreFolder {
  list(): Promise<readonly FolderEntry[]>;
  create(name: string): Promise<StoreFile>;
  open(name: string): Promise<StoreFile>;
  /** Replaces the target. It is so after a loss of power, too. */
  rename(from: string, to: string): Promise<void>;
  remove(name: string): Promise<void>;
  close(): Promise<void>;
}

/** What the system says, or a word in its place. */
export function faultOf(error: unknown): string {
  const { code } = error as { code?: unknown };
  return typeof code === 'string' ? code : String(error);
}
