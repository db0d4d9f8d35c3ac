import { NodeProcessRunner } from '#adapters/ffmpeg';
import { hasCode } from '#kernel';
import type { DecoderAnswer, DecoderQuestion } from './decoder-process.ts';
import { StretchDecoder } from './stretch-decoder.ts';

/** `decoder.main.js PROGRAM FOLDER RUN_PATH`: decodes what its parent sends, and ends with it. */
const [program = '', folder = '', runPath = ''] = process.argv.slice(2);
const runner = new NodeProcessRunner({ runPath });
const decoder = new StretchDecoder({ program, folder }, runner);
const swept = Promise.all([runner.sweep(), decoder.sweep()]);

async function answer({ id, media }: DecoderQuestion): Promise<DecoderAnswer> {
  try {
    await swept;
    return { id, decoded: await decoder.decode(media) };
  } catch (error) {
    return { id, failure: error instanceof Error ? error.message : String(error), retryable: !hasCode(error, 'PROGRAM_NOT_FOUND') };
  }
}

process.on('message', (question: DecoderQuestion) => void answer(question).then((told) => process.send?.(told)));
process.on('disconnect', () => process.exit());
