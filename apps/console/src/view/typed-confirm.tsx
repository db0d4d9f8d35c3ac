import { type FormEvent, useState } from 'react';

interface TypedConfirmProps {
  /** What has to be typed. */
  readonly word: string;
  readonly label: string;
  /** Something else is missing first. */
  readonly disabled?: boolean;
  onConfirm(): void;
}

/** A button that asks for a word first: what it does is seen by every reader. */
export function TypedConfirm({ word, label, disabled = false, onConfirm }: TypedConfirmProps) {
  const [typed, setTyped] = useState<string>();
  if (typed === undefined) {
    return (
      <button type="button" className="btn small" disabled={disabled} onClick={() => setTyped('')}>
        {label}…
      </button>
    );
  }
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    setTyped(undefined);
    onConfirm();
  };
  return (
    <form className="row" onSubmit={submit}>
      <label className="field">
        <span className="label">
          Type {word} to {label.toLowerCase()}
        </span>
        <input value={typed} onChange={(event) => setTyped(event.target.value)} spellCheck={false} autoFocus />
      </label>
      <button type="submit" className="btn small primary" disabled={disabled || typed !== word}>
        {label}
      </button>
      <button type="button" className="btn small" onClick={() => setTyped(undefined)}>
        Leave it
      </button>
    </form>
  );
}
