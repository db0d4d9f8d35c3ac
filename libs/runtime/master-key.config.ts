import { join } from 'node:path';
import { invalidSetting, missingSetting, readUrl, type Environment } from './setting-values.config.ts';

/** Where the key is that encrypts the keys of personal data. */
export interface MasterKeySettings {
  readonly transit: { readonly url: string; readonly token: string } | undefined;
  readonly file: string | undefined;
  /** Of the platform's own, where neither is given. */
  readonly ownPath: string;
}

/** @throws OperatingError `SETTING_INVALID` naming the variable */
export function readMasterKeySettings(env: Environment, dataDir: string): MasterKeySettings {
  const { MASTER_KEY_FILE: file = '', MASTER_KEY_TOKEN: token = '' } = env;
  const url = readUrl(env, 'MASTER_KEY_URL', ['https', 'http']);
  if (url !== undefined && file !== '') throw invalidSetting('MASTER_KEY_FILE', 'is set, and MASTER_KEY_URL too: one or the other', ['MASTER_KEY_URL']);
  if (url !== undefined && token === '') throw missingSetting('MASTER_KEY_TOKEN', 'is not set, but MASTER_KEY_URL is', 'x');
  return { transit: url === undefined ? undefined : { url, token }, file: file === '' ? undefined : file, ownPath: join(dataDir, 'master.key') };
}
