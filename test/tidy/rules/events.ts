import { catalogue } from '#events';
import { object, type Rule } from '../project.ts';

const types = new Set<string>(catalogue.map((definition) => definition.type));

/** An event's name is written once, in the catalogue; tests and the console, which read the wire, may spell it. */
export const eventNamesOnce: Rule = (files) =>
  files
    .filter((file) => !file.isTest && /^(libs|apps)\//.test(file.path) && !/^(libs\/events|apps\/console)\//.test(file.path))
    .flatMap((file) => file.syntax.strings.filter((one) => types.has(one.text)).map((one) => object(file, one.line, `take "${one.text}" from the catalogue`)));
