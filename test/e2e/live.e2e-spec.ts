/** @needs chromium ffmpeg */
import { jest } from '@jest/globals';
import { embeddedSet } from '../constellation/engine-sets.ts';
import { liveStreamCases } from './live-stream.cases.ts';

jest.setTimeout(180_000);

liveStreamCases(embeddedSet);
