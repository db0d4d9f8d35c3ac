export { bearerOf, formatApiKey, parseApiKey, type ApiKey } from './api-key.codec.ts';
export { isUsable, keyAggregate, keyDecider, type IssueKey, type KeyCommand, type KeyDraft, type KeyState, type RevokeKey } from './key.decider.ts';
export { apiKeyTable, keysProjection } from './key.projection.ts';
export {
  allows,
  coversContext,
  homeTenantOf,
  isExpired,
  isOfPlatform,
  mayPublish,
  mayView,
  seesEveryTenant,
  seesTenant,
  type Principal,
} from './principal.core.ts';
export { allScopes, type Scope } from './scope.core.ts';
export { defaultTenant, everyTenant, isTenantId } from './tenant.core.ts';
