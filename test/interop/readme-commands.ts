import { codeBlocks } from './sdk-consumer.ts';

/** A command of a README as a reader would type it: its lines joined, its comment left out. */
export interface ReadmeCommand {
  readonly heading: string;
  readonly text: string;
}

/** The commands of all `sh` blocks, in their order. */
export function shellCommands(markdown: string): readonly ReadmeCommand[] {
  return codeBlocks(markdown, 'sh').flatMap(({ heading, source }) =>
    source
      .replaceAll('\\\n', '')
      .split('\n')
      .map((line) => line.replace(/\s{2,}#.*$| # segments$/, '').trim())
      .filter((text) => text !== '')
      .map((text) => ({ heading, text })),
  );
}
