import { fileURLToPath } from 'node:url';

/** The checkout, from where this file is compiled to. */
export const checkout = fileURLToPath(new URL('../../../', import.meta.url));
