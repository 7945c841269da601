// fast-jwt. Finding the key is its caller's, who does it here by kid and alg.
import { createPublicKey } from 'node:crypto'
import { createVerifier } from 'fast-jwt'
import { drive } from './corpus.mjs'

await drive('fast-jwt', (text, policy) => {
  const { keys } = JSON.parse(text)
  const key = async ({ header }) => {
    const fits = keys.filter(jwk => (header.kid ?? jwk.kid) === jwk.kid && (jwk.alg ?? header.alg) === header.alg)
    if (fits.length === 0) throw new Error('no such key')
    return createPublicKey({ key: fits[0], format: 'jwk' }).export({ type: 'spki', format: 'pem' })
  }
  return createVerifier({
    key,
    algorithms: policy.algorithms,
    allowedIss: policy.issuer,
    allowedAud: policy.audience,
    checkTyp: policy.types.length === 1 ? policy.types[0] : undefined,
    requiredClaims: ['exp', 'iss', 'aud'],
    clockTolerance: policy.leeway * 1000,
    clockTimestamp: policy.now * 1000,
    cache: false
  })
})
