/** Any other address below a language. */
import { notFound } from 'next/navigation';

export default function Page(): never {
  notFound();
}
