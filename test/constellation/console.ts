import { Viewer } from './viewer.ts';

/** The console in a real browser, at one of its pages, as somebody with that key. */
export async function signIn(gatewayUrl: string, { authorization }: { readonly authorization: string }, route = ''): Promise<Viewer> {
  const viewer = await Viewer.open(`${gatewayUrl}/#/${route}`);
  await viewer.page.fill('input', authorization.slice('Bearer '.length));
  await viewer.page.keyboard.press('Enter');
  await viewer.page.getByRole('navigation', { name: 'Pages' }).waitFor();
  return viewer;
}
