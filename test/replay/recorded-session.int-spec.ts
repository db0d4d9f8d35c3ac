import { recordedSessionCases } from './recorded-session.cases.ts';

recordedSessionCases('the embedded log');
