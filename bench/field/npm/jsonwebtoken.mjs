// jsonwebtoken with the key set of jwks-rsa. That exp is required is the caller's to say: an absent one is not checked.
import jwt from 'jsonwebtoken'
import jwks from 'jwks-rsa'
import { drive } from './corpus.mjs'

await drive('jsonwebtoken', (keys, policy) => {
  const set = jwks({ jwksUri: 'https://issuer.example/jwks', fetcher: async () => JSON.parse(keys) })
  const find = (header, done) => set.getSigningKey(header.kid, (err, key) => done(err, key?.getPublicKey()))
  const options = {
    issuer: policy.issuer,
    audience: policy.audience,
    algorithms: policy.algorithms.filter(alg => alg !== 'EdDSA'),
    clockTolerance: policy.leeway,
    clockTimestamp: policy.now
  }
  return token => new Promise((resolve, reject) => jwt.verify(token, find, options, (err, payload) => {
    if (err || payload.exp === undefined) reject(err ?? new Error('no exp'))
    else resolve()
  }))
})
