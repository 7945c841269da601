// jose, with a key set that is given. Its option typ takes one type, and is used where a policy has one.
import { createLocalJWKSet, jwtVerify } from 'jose'
import { drive } from './corpus.mjs'

await drive('jose', (keys, policy) => {
  const set = createLocalJWKSet(JSON.parse(keys))
  const options = {
    issuer: policy.issuer,
    audience: policy.audience,
    algorithms: policy.algorithms,
    typ: policy.types.length === 1 ? policy.types[0] : undefined,
    requiredClaims: ['exp'],
    clockTolerance: policy.leeway,
    currentDate: new Date(policy.now * 1000)
  }
  return token => jwtVerify(token, set, options)
})
