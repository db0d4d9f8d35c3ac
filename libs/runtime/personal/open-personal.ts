import type { Lifecycle } from '../lifecycle.ts';
import { PersonalData } from './personal-data.ts';
import { SubjectKeys, type SubjectKeysDeps } from './subject-keys.ts';

/** The personal data of a process; its keys go when the process ends. */
export function openPersonal(deps: SubjectKeysDeps, lifecycle: Lifecycle): PersonalData {
  const keys = new SubjectKeys({}, deps);
  lifecycle.onStop('leases', 'personal keys', () => keys.stop());
  return new PersonalData(keys);
}
