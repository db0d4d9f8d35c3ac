/** @needs chromium ffmpeg java maven s3 redis */
import { jest } from '@jest/globals';
import { clusterSet } from '../constellation/engine-sets.ts';
import { liveStreamCases } from './live-stream.cases.ts';

jest.setTimeout(180_000);

liveStreamCases(clusterSet);
