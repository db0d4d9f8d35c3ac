import { projectorCases } from './projectors.cases.ts';

projectorCases('the embedded log');
