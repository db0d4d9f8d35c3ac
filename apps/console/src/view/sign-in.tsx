import { type FormEvent, useState } from 'react';

interface SignInProps {
  readonly problem?: string;
  onKey(key: string): void;
}

export function SignIn({ problem, onKey }: SignInProps) {
  const [key, setKey] = useState('');
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (key.trim() !== '') onKey(key.trim());
  };
  return (
    <main className="gate">
      <h1>Streams</h1>
      <p>Open the sign-in link that the terminal printed at start, or enter an API key.</p>
      <form onSubmit={submit}>
        <label className="field">
          <span className="label">API key</span>
          <input type="password" autoComplete="current-password" placeholder="sk_…" value={key} onChange={(event) => setKey(event.target.value)} autoFocus />
        </label>
        {problem === undefined ? null : (
          <p className="error" role="alert">
            {problem}
          </p>
        )}
        <button type="submit" className="btn primary" disabled={key.trim() === ''}>
          Sign in
        </button>
      </form>
    </main>
  );
}
