export { admitEvent, futureMsMax, oldestTimeMs, type AdmissionContext, type AdmittedEvent, type EventPerson } from './admission.ts';
export * from './access.events.ts';
export * from './adaptation.events.ts';
export * from './cache.events.ts';
export * from './catalogue.ts';
export { cloudEventJson } from './cloud-event.codec.ts';
export { checkData, dataschemaOf, encodeEvent, readValue, releasedVersionOf } from './codec.ts';
export * from './content.events.ts';
export { addressSubject, peerSubject, viewerSubject } from './data-subjects.ts';
export { decodeEvent, isReadable } from './decode-event.ts';
export { defineEvent, type DraftEvent, type DraftOf, type EventDefinition, type EventInit, type Publishers, type Upcaster } from './define.ts';
export { asClosedDirect, asDirect, asWritten, directHeader, isComplete, isDirect, unreadableRecord, type DirectTenants } from './direct-record.ts';
export * from './edge.events.ts';
export * from './effect.events.ts';
export * from './failover.events.ts';
export * from './fleet.events.ts';
export { contexts, topicPartitions, type Context, type EventEnvelope } from './envelope.ts';
export { EventInvalidError } from './errors.ts';
export { dayMs, instantText } from './instant.ts';
export type { IncomingEvent, IntakeRefusalCode } from './incoming.ts';
export { originHeader, originOf, type LogRecord, type StoredRecord } from './record.ts';
export * from './operation.events.ts';
export * from './parked.events.ts';
export * from './replay.events.ts';
export * from './retention.events.ts';
export * from './review.events.ts';
export * from './sandbox.events.ts';
export * from './playback.events.ts';
export {
  changeAt,
  keyIdsIn,
  personal,
  personalFields,
  personalIdentifier,
  personalPaths,
  personalTexts,
  type PersonalField,
  type PersonalPath,
} from './personal.ts';
export {
  formatErased,
  formatLocked,
  formatSealed,
  parseSealed,
  readPersonal,
  replaceSealed,
  sealedPrefix,
  type PersonalValue,
  type SealedText,
} from './stand-in.codec.ts';
export { KeyTimes } from './key-times.ts';
export { stampOf } from './stamp.ts';
export * from './cue.events.ts';
export * from './segment.events.ts';
export * from './stream.events.ts';
export * from './stream-key.events.ts';
export * from './subject.events.ts';
export * from './encoding-profile.events.ts';
export * from './webhook.events.ts';
export { isErased, keptActor, keptSubject, mask, maskedActor, maskedData, maskedKey, maskedRecord, maskedSubject, personalFieldsOf } from './masked-record.ts';
export * from './observation.events.ts';
export * from './programme.events.ts';
export * from './traffic.events.ts';
export * from './prefetch.events.ts';
export * from './zone-configuration.ts';
export * from './zone.events.ts';
