/** Every item of a list that comes in pages, in order. */
export async function allPages<Page extends { readonly nextPageToken: string }, Item>(
  fetch: (pageToken: string) => Promise<Page>,
  items: (page: Page) => readonly Item[],
): Promise<readonly Item[]> {
  const all: Item[] = [];
  let token = '';
  do {
    const page = await fetch(token);
    all.push(...items(page));
    token = page.nextPageToken;
  } while (token !== '');
  return all;
}
