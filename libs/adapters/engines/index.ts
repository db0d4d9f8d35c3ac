export { openEngines, type EngineBase, type EngineName, type EngineParts, type Engines, type EngineSettings } from './engines.ts';
export { dropSandboxBlobs, sandboxBlobSettings } from './sandbox-blobs.ts';
