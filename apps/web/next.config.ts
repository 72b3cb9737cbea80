/**
 * Next builds the pages; the server around it is src/server. Security headers are set there,
 * because they need a fresh nonce per request.
 */
import type { NextConfig } from 'next';

const config: NextConfig = {
  reactStrictMode: true,
  poweredByHeader: false,
  // Two cores and no image service: nothing here needs the optimizer.
  images: { unoptimized: true },
  devIndicators: false,
};

export default config;
