/** @needs ffmpeg java maven */
import { jest } from '@jest/globals';
import { embeddedSet, kafkaSet } from '../constellation/engine-sets.ts';
import { pastPlaybackCases } from './past-playback.cases.ts';

jest.setTimeout(180_000);

pastPlaybackCases(embeddedSet);
pastPlaybackCases(kafkaSet);
