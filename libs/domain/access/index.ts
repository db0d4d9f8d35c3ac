export { accessAggregate } from './access-aggregate.ts';
export { bearerOf, formatApiKey, parseApiKey, type ApiKey } from './api-key.codec.ts';
export { grantRefusal, tenantOfGrant, unknownTenant, type GrantRefusal } from './grant.core.ts';
export {
  isUsable,
  keyAggregate,
  keyDecider,
  keyStateOf,
  overlapMsMax,
  ratePerMinuteMax,
  secretHashesOf,
  type IssueKey,
  type KeyCommand,
  type KeyDraft,
  type KeyGrant,
  type KeyState,
  type RevokeKey,
  type RotateKey,
} from './key.decider.ts';
export { apiKeyTable, keysProjection, refusalTable, tenantTable } from './key.projection.ts';
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
export { refusalAggregate, type Refusals } from './refusal.decider.ts';
export { allScopes, type Scope } from './scope.core.ts';
export { erasuresReactor, subjectErasure, type ErasureOrder } from './erasures-reactor.ts';
export { masterKeyAggregateId, subjectAggregate, subjectAggregateId, subjectDecider, type SubjectCommand, type SubjectState } from './subject.decider.ts';
export { personalPlaceTable, subjectActionTable, subjectsProjection } from './subject.projection.ts';
export { defaultTenant, everyTenant, isTenantId } from './tenant.core.ts';
export {
  standingOf,
  standsAlways,
  tenantAggregate,
  tenantAggregateId,
  type CreateTenant,
  type ResumeTenant,
  type SuspendTenant,
  type TenantCommand,
  type TenantStanding,
  type TenantState,
} from './tenant.decider.ts';
