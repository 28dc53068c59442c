/** Registration with the shared secret that the configuration of every test server has. */
import { createHmac } from 'node:crypto'

export const SHARED_SECRET = 'test-secret'

/** The body of `POST /_synapse/admin/v1/register`. */
export function sharedSecretRegistration(nonce: string, username: string, password: string, admin = false) {
  const mac = createHmac('sha1', SHARED_SECRET)
    .update([nonce, username, password, admin ? 'admin' : 'notadmin'].join('\0'))
    .digest('hex')
  return { nonce, username, password, mac, admin }
}
