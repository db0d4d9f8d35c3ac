/** What a media process has done since it started. Counters only grow. */
export class MediaCounters {
  encoderRestarts = 0;
  encoderSteps = 0;
  segments = 0;
  segmentBytes = 0;
}
