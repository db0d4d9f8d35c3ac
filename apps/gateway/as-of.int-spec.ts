import { asOfCases } from './as-of.cases.ts';
import { realEngines } from './testing/gateway.fixture.ts';

asOfCases('the embedded log', () => realEngines());
