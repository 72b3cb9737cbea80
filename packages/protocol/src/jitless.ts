/**
 * Imported before any schema is made: zod compiles parsers with `new Function` where it may; the
 * page's Content-Security-Policy forbids that, and even the probe for it is reported as a
 * violation. So in a browser we say so up front.
 */
import { z } from 'zod';

if ('document' in globalThis) z.config({ jitless: true });
