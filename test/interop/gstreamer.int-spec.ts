/** @needs gstreamer */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';
import { IngestNode, SharedEngines } from '../../apps/ingest/testing/ingest-harness.ts';

const run = promisify(execFile);

test.each(['rtmp2sink', 'rtmpsink'])('GStreamer publishes by %s, and ends without a complaint', async (sink) => {
  const engines = new SharedEngines();
  const node = await IngestNode.start(engines);
  const key = await node.createStream('st-aaaaaaab');
  const picture = 'videotestsrc num-buffers=30 ! x264enc key-int-max=15 speed-preset=ultrafast ! h264parse ! flvmux streamable=true';
  const { stderr } = await run('gst-launch-1.0', ['-q', ...`${picture} ! ${sink} location=${node.url(key)}`.split(' ')]);
  expect(stderr).toBe('');
  expect((await engines.eventually('stream.interrupted')).data.reason).toBe('unpublished');
  await node.stop();
});
