import { createTenant, issueKey, listKeys, listTenants, resumeTenant, revokeKey, rotateKey, suspendTenant } from '../access/keys.contract.ts';
import { listRefusals } from '../access/refusals.contract.ts';
import { listEffects, listReactors, resetReactor, retryEffect } from '../effects/effects.contract.ts';
import { listCatalogue, showEventType } from '../catalogue/catalogue.contract.ts';
import { showWarm, warmCache } from '../cdn/warm.contract.ts';
import { listPurges, purgeCache, showPurge } from '../cdn/cdn.contract.ts';
import { cdnHealth, drainEdge, listEdgePeers, listEdges, registerEdge, removeEdge, resumeEdge, showEdge } from '../cdn/edges.contract.ts';
import { followEvents, listEvents, socketEvents, streamEvents } from '../events/events.contract.ts';
import { listContents, showContent } from '../contents/contents.contract.ts';
import type { Operation } from '../http/operation.ts';
import {
  beginLedgerExport,
  listCheckpoints,
  proveEvent,
  proveRecord,
  readLedgerRecords,
  rotateLedgerKey,
  showLedger,
  signLedgerHolding,
} from '../ledger/ledger.contract.ts';
import { discardParked, listParked, retryAllParked, retryParked, showParked } from '../parked/parked.contract.ts';
import { listSegments, requestSealing, showRetention, showSealing } from '../retention/retention.contract.ts';
import { listPlaybacks, showAudience } from '../playbacks/playbacks.contract.ts';
import { createClip, listClips, listMarkers, markStream, showClip } from '../programme/programme.contract.ts';
import { configureProfile, listProfiles, removeProfile, showProfile } from '../profiles/profiles.contract.ts';
import { publishEvents } from '../publish/publish.contract.ts';
import {
  cancelReplay,
  listProjections,
  listReplays,
  pauseReplay,
  promoteReplay,
  requestReplay,
  resumeReplay,
  rollBackReplay,
  showReplay,
} from '../replays/replays.contract.ts';
import { searchEvents, showCausation, showEvent } from '../review/review.contract.ts';
import {
  compareSandbox,
  createSandbox,
  dropSandbox,
  listSandboxes,
  listSandboxStreams,
  readSandboxRows,
  showSandbox,
  showSandboxPurge,
  showSandboxStream,
} from '../sandboxes/sandboxes.contract.ts';
import { showStreamHealth } from '../streams/stream-health.contract.ts';
import { issueStreamKey, listStreams, showStream, startStream, stopStream, switchStream } from '../streams/streams.contract.ts';
import { eraseSubject, exportSubject, rotateMasterKey, showSubjectKeys } from '../subjects/subjects.contract.ts';
import { listPrefetchModels } from '../cdn/prefetch-models.contract.ts';
import { showTraffic, showPopularObjects } from '../traffic/traffic.contract.ts';
import { listReadTables, readRows } from '../watch/rows.contract.ts';
import { followRows, socketRows } from '../watch/watch.contract.ts';
import {
  changeWebhook,
  listDeliveries,
  listWebhooks,
  redeliver,
  registerWebhook,
  removeWebhook,
  rotateWebhookSecret,
  showWebhook,
  testWebhook,
} from '../webhooks/webhooks.contract.ts';
import { setPurgePolicy, showPurgePolicy } from '../zones/purge-policy.contract.ts';
import { configureZone, listZones, listZoneVersions, removeZone, renewZoneHook, rollBackZone, showZone, showZoneVersion } from '../zones/zones.contract.ts';

/** Every operation of the API, in the order in which the documentation shows them. */
export const operations: readonly Operation[] = [
  startStream,
  issueStreamKey,
  switchStream,
  stopStream,
  listZones,
  showZone,
  configureZone,
  removeZone,
  listZoneVersions,
  showZoneVersion,
  rollBackZone,
  renewZoneHook,
  showPurgePolicy,
  setPurgePolicy,
  listProfiles,
  showProfile,
  configureProfile,
  removeProfile,
  listStreams,
  showStream,
  showStreamHealth,
  createClip,
  listClips,
  showClip,
  markStream,
  listMarkers,
  publishEvents,
  searchEvents,
  showEvent,
  showCausation,
  listEvents,
  followEvents,
  streamEvents,
  socketEvents,
  listCatalogue,
  showEventType,
  listContents,
  showContent,
  listReadTables,
  readRows,
  followRows,
  socketRows,
  listPlaybacks,
  showAudience,
  listParked,
  showParked,
  retryParked,
  discardParked,
  retryAllParked,
  listProjections,
  requestReplay,
  listReplays,
  showReplay,
  pauseReplay,
  resumeReplay,
  cancelReplay,
  promoteReplay,
  rollBackReplay,
  createSandbox,
  listSandboxes,
  showSandbox,
  dropSandbox,
  compareSandbox,
  readSandboxRows,
  listSandboxStreams,
  showSandboxStream,
  showSandboxPurge,
  registerWebhook,
  listWebhooks,
  showWebhook,
  changeWebhook,
  rotateWebhookSecret,
  removeWebhook,
  testWebhook,
  listDeliveries,
  redeliver,
  listEffects,
  retryEffect,
  listReactors,
  resetReactor,
  purgeCache,
  listPurges,
  showPurge,
  warmCache,
  showWarm,
  cdnHealth,
  showTraffic,
  showPopularObjects,
  listPrefetchModels,
  registerEdge,
  listEdgePeers,
  listEdges,
  showEdge,
  drainEdge,
  resumeEdge,
  removeEdge,
  issueKey,
  listKeys,
  rotateKey,
  revokeKey,
  createTenant,
  suspendTenant,
  resumeTenant,
  listTenants,
  exportSubject,
  eraseSubject,
  showSubjectKeys,
  rotateMasterKey,
  showLedger,
  proveEvent,
  proveRecord,
  listCheckpoints,
  readLedgerRecords,
  rotateLedgerKey,
  beginLedgerExport,
  signLedgerHolding,
  showRetention,
  listSegments,
  requestSealing,
  showSealing,
  listRefusals,
];
