/** https://spec.matrix.org/v1.19/client-server-api/#web-browser-clients */

/** On every answer. */
export const CORS_HEADERS = {
  'Access-Control-Allow-Origin': '*',
  'Access-Control-Allow-Methods': 'GET, POST, PUT, DELETE, OPTIONS',
  'Access-Control-Allow-Headers': 'X-Requested-With, Content-Type, Authorization',
} as const

/** On the answer to OPTIONS: browsers need not ask again for a day. */
export const PREFLIGHT_HEADERS = { ...CORS_HEADERS, 'Access-Control-Max-Age': '86400' } as const
