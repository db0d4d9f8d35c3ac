/** What one check of the doctor found out. */
export interface Finding {
  readonly check: string;
  readonly status: 'ok' | 'warning' | 'problem' | 'not-checked';
  readonly message: string;
}

const marks: Readonly<Record<Finding['status'], string>> = { ok: '✓', warning: '!', problem: '✗', 'not-checked': '-' };

export function findingLine(finding: Finding): string {
  return `${marks[finding.status]} ${finding.check.padEnd(14)} ${finding.message}`;
}
