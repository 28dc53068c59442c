/** A certificate authority for tests and for fleets of servers on one machine. Its certificates are worth nothing elsewhere. */
import type { webcrypto } from 'node:crypto'
import { isIP } from 'node:net'
// Must come before x509.
import './reflect-metadata.ts'
import * as x509 from '@peculiar/x509'

export interface IssuedCertificate {
  readonly certificatePem: string
  readonly keyPem: string
}

export interface DevCa {
  /** The authority's own certificate, for the lists of trusted authorities. */
  readonly certificatePem: string
  /** A certificate and its key for these DNS names and IP addresses (the latter without brackets). */
  issue(names: readonly string[]): Promise<IssuedCertificate>
}

const EC = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const
const DAY_MS = 86_400_000

/** Makes a new authority whose certificates count from a day before `now` (milliseconds) until two years after it. */
export async function createDevCa(now = Date.now()): Promise<DevCa> {
  const notBefore = new Date(now - DAY_MS)
  const notAfter = new Date(now + 730 * DAY_MS)
  const keys = await newKeys()
  const authority = await x509.X509CertificateGenerator.createSelfSigned({
    name: 'CN=Causeway development authority',
    notBefore,
    notAfter,
    keys,
    signingAlgorithm: EC,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  const authorityId = await x509.AuthorityKeyIdentifierExtension.create(authority)
  return {
    certificatePem: authority.toString('pem'),
    issue: async (names) => {
      const { publicKey, privateKey } = await newKeys()
      const certificate = await x509.X509CertificateGenerator.create({
        subject: 'CN=Causeway development server',
        issuer: authority.subject,
        notBefore,
        notAfter,
        publicKey,
        signingKey: keys.privateKey,
        signingAlgorithm: EC,
        extensions: [
          new x509.BasicConstraintsExtension(false, undefined, true),
          new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
          new x509.SubjectAlternativeNameExtension(names.map((value) => ({ type: isIP(value) ? 'ip' : 'dns', value }))),
          authorityId,
        ],
      })
      return { certificatePem: certificate.toString('pem'), keyPem: await privateKeyPem(privateKey) }
    },
  }
}

function newKeys(): Promise<webcrypto.CryptoKeyPair> {
  return crypto.subtle.generateKey(EC, true, ['sign', 'verify'])
}

async function privateKeyPem(key: webcrypto.CryptoKey): Promise<string> {
  return x509.PemConverter.encode(await crypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY')
}
