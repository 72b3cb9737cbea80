/** What the search looks through, in one language. Asked for when somebody first searches. */
import { allLessons } from '../../../content/lessons';
import { isLanguage } from '../../../i18n/index';
import { entriesOf } from '../../../search/index-of';

/** Lessons may change while the server runs (`terrarium lesson watch`). */
export const dynamic = 'force-dynamic';

export async function GET(
  _: Request,
  { params }: { readonly params: Promise<{ readonly lang: string }> },
): Promise<Response> {
  const { lang } = await params;
  if (!isLanguage(lang)) return new Response('no such language', { status: 404 });
  return Response.json({ entries: entriesOf(allLessons(), lang) });
}
