/** What one check of the doctor found out. */
export interface Finding {
  readonly check: string;
  readonly status: 'ok' | 'warning' | 'problem';
  readonly message: string;
}

const marks: Readonly<Record<Finding['status'], string>> = { ok: '✓', warning: '!', problem: '✗' };

export function findingLine(finding: Finding): string {
  return `${marks[finding.status]} ${finding.check.padEnd(14)} ${finding.message}`;
}
