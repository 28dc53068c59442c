import { badGateway } from '../../src/core/errors.ts'
import type { PolicySigner } from '../../src/rooms/policy-servers.ts'

/** For servers that reach no others: no policy server has signed anything, and none answers. */
export const NO_POLICY_SIGNER: PolicySigner = {
  isSigned: async () => false,
  sign: () => Promise.reject(badGateway()),
}
