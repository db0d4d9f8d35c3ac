import { useState } from 'react';

/** Text to take along, as it is. */
export function Copyable({ label, text }: { readonly label: string; readonly text: string }) {
  const [copied, setCopied] = useState(false);
  const copy = async (): Promise<void> => {
    await navigator.clipboard.writeText(text);
    setCopied(true);
    setTimeout(() => setCopied(false), 1500);
  };
  return (
    <div>
      <span className="label">{label}</span>
      <div className="copyable">
        <code>{text}</code>
        {'clipboard' in navigator ? (
          <button type="button" className="btn small" aria-label={`Copy ${label}`} onClick={() => void copy()}>
            {copied ? 'Copied' : 'Copy'}
          </button>
        ) : null}
      </div>
    </div>
  );
}
