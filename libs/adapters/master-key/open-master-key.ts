import type { MasterKey } from '#ports';
import { FileKeyRing } from './file-key-ring.ts';
import { LocalMasterKey } from './local-master-key.adapter.ts';
import { TransitMasterKey } from './transit-master-key.adapter.ts';

/** Where the master key is; the settings of every app fit. */
export interface MasterKeyInit {
  /** A key of a transit engine; undefined for a file. */
  readonly transit: { readonly url: string; readonly token: string } | undefined;
  /** A file that an operator gives; undefined for one of the platform's own at `ownPath`. */
  readonly file: string | undefined;
  readonly ownPath: string;
}

export function openMasterKey({ transit, file, ownPath }: MasterKeyInit): MasterKey {
  if (transit !== undefined) return new TransitMasterKey(transit);
  return new LocalMasterKey(new FileKeyRing({ path: file ?? ownPath, mayMake: file === undefined, mayChange: file === undefined }));
}
