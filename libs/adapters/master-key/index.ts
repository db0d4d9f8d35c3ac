export { FileKeyRing } from './file-key-ring.ts';
export { LocalMasterKey, MemoryKeyRing, type KeyRing, type RingKey } from './local-master-key.adapter.ts';
export { openMasterKey, type MasterKeyInit } from './open-master-key.ts';
export { TransitMasterKey, type TransitInit } from './transit-master-key.adapter.ts';
