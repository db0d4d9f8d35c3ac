import { catalogue } from '#events';

const types: readonly string[] = catalogue.filter(({ context }) => context === 'operation').map(({ type }) => type);

/**
 * All types of this context but some: its families have nothing to do with each other, and each has a projection of its own
 * that names what it handles. A type that none of them names is found by a test over all read models.
 */
export function ignoredBut(handled: readonly string[]): readonly string[] {
  return types.filter((type) => !handled.includes(type));
}
