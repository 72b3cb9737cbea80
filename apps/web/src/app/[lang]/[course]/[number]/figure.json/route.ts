/** A lesson's recorded figure, for the page of a lesson that has no lab. Asked for only then. */
import { figureWithStep } from '../../../../../content/figures';

export const dynamic = 'force-dynamic';

export async function GET(
  _: Request,
  { params }: { readonly params: Promise<{ readonly course: string; readonly number: string }> },
): Promise<Response> {
  const { course, number } = await params;
  const recorded = figureWithStep(course, number);
  if (recorded === null) return new Response('no figure', { status: 404 });
  return Response.json(recorded);
}
