import { masterKeyConformance } from '#ports/conformance';
import { LocalMasterKey, MemoryKeyRing } from './local-master-key.adapter.ts';

masterKeyConformance('LocalMasterKey', async () => ({ port: new LocalMasterKey(new MemoryKeyRing()), elapse: async () => {}, dispose: async () => {} }));
