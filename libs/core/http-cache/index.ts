export { parseCacheControl, type CacheControl } from './cache-control.codec.ts';
export { cacheName, formatCacheStatus, withCacheStatus, type CacheOutcome, type ForwardReason } from './cache-status.codec.ts';
export { ifRangeHolds, isNotModified, revalidationFields } from './conditional.core.ts';
export { fieldValue, listMembers, type Field, type Fields, type RequestHead, type ResponseHead } from './fields.ts';
export { cdnHops, cdnHopsMax, endToEndFields, fillFields, isLoop, passThroughFields, withoutHopByHop, type Forwarder } from './forwarding.policy.ts';
export { framingFault, type FramedRequest } from './framing.policy.ts';
export type { ExchangeTimes } from './freshness.policy.ts';
export { GrowingBody, type Cursor, type Reading } from './growing-body.core.ts';
export { formatHttpDate, parseHttpDate } from './http-date.codec.ts';
export { invalidatedKeys, isSafe, type UnsafeRequest } from './invalidation.policy.ts';
export { withProxyStatus, type ProxyError } from './proxy-status.codec.ts';
export { isTagField, labelsOf, tagLengthMax, tagsMax, tagsOf, viewerFields, type LabelScope } from './cache-tag.codec.ts';
export { PurgeEntryError } from './purge-entry.codec.ts';
export { hashOf, hostLabel, tagLabel, tenantLabel, zoneLabel, type PurgeLabel } from './purge-label.codec.ts';
export { PurgeLedger, purgeTargets, type PurgeLedgerInit, type PurgeVerdict } from './purge-ledger.core.ts';
export type { CompilePattern, PurgeSubject, PurgeTarget } from './purge-marks.core.ts';
export { PurgePositions } from './purge-positions.core.ts';
export { PieceJoiner } from './piece-joiner.core.ts';
export { byteranges, type BytePart, type Byteranges } from './byteranges.codec.ts';
export { PartialBody } from './partial-body.core.ts';
export { chooseRange, chooseRanges, parseContentRange, rangeToAskFor, type ByteSpan, type ContentRange, type RangeChoice } from './range.codec.ts';
export { combinesWith, completed, renewed, updatedByHead, type HeadVerdict } from './revalidation.policy.ts';
export {
  acceptsStale,
  ageSeconds,
  isDoubtful,
  judgeReuse,
  mayServeOnError,
  refusesInDoubt,
  satisfies,
  ttlSeconds,
  type Reuse,
  type Trust,
} from './reuse.policy.ts';
export { select, selectedHead, type Selection } from './selection.core.ts';
export { judgeStoring, mayReachOthers, type NotStoredReason, type StoringVerdict } from './storing.policy.ts';
export { objectKeyOf, rangeValidator, sliceAt, sliceCount, sliceKey, sliceSpan } from './slices.core.ts';
export { staleFrom, type Freshness, type Sliced, type StoredResponse, type Validators } from './stored-response.ts';
export {
  defaultKeyPolicy,
  keyOfUrl,
  hostOfKey,
  normaliseTarget,
  otherReading,
  pathOfKey,
  targetLengthMax,
  type KeyPolicy,
  type QueryRule,
} from './target.codec.ts';
export { responseControl, type ResponseControl } from './targeted-control.policy.ts';
export { mediaTtlSettings, type TtlRule, type TtlSettings } from './ttl.policy.ts';
export { matchesVariant, normaliseAcceptEncoding, sameVariant, variantOf, varyNames, type Variant } from './vary.core.ts';
