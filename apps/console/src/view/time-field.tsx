import { isoOfLocal, localOf, zoneOf } from '../model/time.ts';

interface TimeFieldProps {
  readonly name: string;
  readonly label: string;
  /** RFC 3339, or empty. */
  readonly value: string;
  onChange(value: string): void;
}

/** A time by the clock of this browser, whose zone is said. */
export function TimeField({ name, label, value, onChange }: TimeFieldProps) {
  return (
    <label className="field">
      <span className="label">
        {label} ({zoneOf(value)})
      </span>
      <input type="datetime-local" name={name} step={1} value={localOf(value)} onChange={({ target }) => onChange(isoOfLocal(target.value) ?? '')} />
    </label>
  );
}
