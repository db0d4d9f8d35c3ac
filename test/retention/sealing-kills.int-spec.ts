import { jest } from '@jest/globals';
import { sealingKillCases } from './sealing-kills.cases.ts';

jest.setTimeout(120_000);

sealingKillCases('the embedded log');
