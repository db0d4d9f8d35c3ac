import { object, type Rule } from '../project.ts';
import type { SourceFile } from '../source-file.ts';

/** Only settings read the environment; tests hand it on to programs, scripts and benchmarks are run by people. */
export const environment: Rule = (files) =>
  files
    .filter((file) => !file.isTest && /^(apps|libs|migrations)\//.test(file.path) && !file.path.endsWith('.config.ts'))
    .flatMap((file) =>
      file.syntax.members
        .filter((one) => one.text === 'process.env' || one.text === 'Bun.env')
        .map((one) => object(file, one.line, 'only *.config.ts reads the environment')),
    );

/** Spelled so that this file does not object to itself. */
const markers = /\b(TO(?:)DO|FIX(?:)ME|XX(?:)X|HA(?:)CK)\b/;

function linesWith(file: SourceFile, pattern: RegExp): readonly number[] {
  return file.text.split('\n').flatMap((line, at) => (pattern.test(line) ? [at + 1] : []));
}

export const noMarkers: Rule = (files) => files.flatMap((file) => linesWith(file, markers).map((line) => object(file, line, 'finish it, or open an issue')));

const focus = /(?<![.\w])((?:it|test|describe)\.(?:only|skip|todo)|fit|fdescribe|xit|xtest|xdescribe)(?=\(|\.each)/;
/** What a machine cannot do (a mount without root) is skipped there by a condition, and the test run counts it. */
const conditional = /\? (test|describe) : \1\.skip\)\(/;

export const noFocus: Rule = (files) =>
  files
    .filter((file) => file.isTest && !file.path.startsWith('test/tidy/'))
    .flatMap((file) =>
      file.text.split('\n').flatMap((line, at) => {
        const hidden = focus.exec(line)?.[1];
        return hidden === undefined || conditional.test(line) ? [] : [object(file, at + 1, `${hidden} hides tests`)];
      }),
    );

/** Where data is shaped, its shape is known. */
export const noAny: Rule = (files) =>
  files
    .filter((file) => /^libs\/(kernel|events|core|domain)\//.test(file.path))
    .flatMap((file) => file.syntax.anys.map((one) => object(file, one.line, '"any" switches the compiler off')));
