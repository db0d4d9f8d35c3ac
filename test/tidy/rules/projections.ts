import { object, type Rule } from '../project.ts';

/** Who needs one read model or two names them; who names more keeps a list that the next read model will be missing from. */
const namedMax = 2;

/** Every program works from the list of `#read-models`. */
export const projectionsOnce: Rule = (files) =>
  files
    .filter((file) => !file.isTest && /^(libs|apps)\//.test(file.path) && !/^libs\/(domain|read-models)\//.test(file.path))
    .filter(
      (file) =>
        file.imports.flatMap(({ text, names }) => (text.startsWith('#domain/') ? names.filter((name) => name.endsWith('Projection')) : [])).length > namedMax,
    )
    .map((file) => object(file, 1, `names more than ${namedMax} projections: take the list of #read-models`));
