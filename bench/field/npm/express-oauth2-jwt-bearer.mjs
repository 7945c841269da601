// express-oauth2-jwt-bearer, which fetches key sets from a server on loopback. It takes one algorithm, and by strict
// access tokens of RFC 9068 alone: a policy of several algorithms is tried with that of the token.
import { createServer } from 'node:http'
import { once } from 'node:events'
import { decodeProtectedHeader } from 'jose'
import { auth } from 'express-oauth2-jwt-bearer'
import { drive, text } from './corpus.mjs'

const server = createServer((req, res) => res.setHeader('Content-Type', 'application/json').end(text('keys', req.url.slice(1))))
server.listen(0, '127.0.0.1')
await once(server, 'listening')

await drive('express-oauth2-jwt-bearer', (_, policy, keys) => token => {
  const { alg } = decodeProtectedHeader(token)
  const check = auth({
    issuer: policy.issuer,
    jwksUri: `http://127.0.0.1:${server.address().port}/${keys}`,
    audience: policy.audience,
    tokenSigningAlg: policy.algorithms.includes(alg) ? alg : policy.algorithms[0],
    strict: policy.types.length === 1,
    clockTolerance: policy.leeway
  })
  const headers = { host: 'api.example', authorization: `Bearer ${token}` }
  const request = { headers, method: 'GET', protocol: 'https', originalUrl: '/orders', url: '/orders', query: {}, is: () => false, get: name => headers[name.toLowerCase()] }
  return new Promise((resolve, reject) => check(request, {}, err => err ? reject(err) : resolve()))
})
server.close()
