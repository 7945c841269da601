// An API of Express behind express-oauth2-jwt-bearer, as its README sets it up, with what it has for access tokens of
// RFC 9068 alone. sallyport attack attacks it.
import express from 'express'
import { auth } from 'express-oauth2-jwt-bearer'

const { ADDR, ISSUER, AUDIENCE } = process.env
const [host, port] = ADDR.split(':')
const app = express()
app.use(auth({ issuerBaseURL: ISSUER, audience: AUDIENCE, tokenSigningAlg: 'RS256', strict: true }))
app.get('/orders', (req, res) => res.send('orders'))
app.use((err, req, res, next) => res.status(err.status ?? 500).set(err.headers ?? {}).end()) // without the stack
app.listen(Number(port), host)
