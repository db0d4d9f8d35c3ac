/** A language in its own words, as those who look for it read it; undefined for one that nobody knows. */
export function languageName(language: string | undefined): string | undefined {
  if (language === undefined) return undefined;
  try {
    const [locale] = Intl.getCanonicalLocales(language);
    return new Intl.DisplayNames([locale ?? 'en'], { type: 'language', fallback: 'none' }).of(language);
  } catch {
    return undefined;
  }
}
