export { MemoryResumeStore, type ResumeStore } from './resume-store.ts';
export { subscription, type SubscribeInit } from './subscription.ts';
