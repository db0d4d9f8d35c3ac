/** The steps of sealing a segment, in their order; each can be the last that a process takes. */
const steps = ['the blob is written', 'the blob is read back', 'the catalogue has it', 'the log tells it', 'the engine removes it'] as const;

export type KillPoint = `before ${(typeof steps)[number]}` | `after ${(typeof steps)[number]}` | 'while the blob is written';

export const killPoints: readonly KillPoint[] = ['while the blob is written', ...steps.flatMap((step) => [`before ${step}`, `after ${step}`] as const)];
