import { rebuildCases } from './rebuild.cases.ts';

rebuildCases('the embedded log');
