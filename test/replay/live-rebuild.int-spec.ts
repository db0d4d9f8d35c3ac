import { liveRebuildCases } from './live-rebuild.cases.ts';

liveRebuildCases('the embedded log');
