// An authorization server around the npm package oidc-provider, for the tests in integration/servers.
//
//	node op.mjs HOST:PORT KEYS.json
//
//	POST /control/rotate?alg=ES256   a new key signs from now on
//	POST /control/retire             only the newest key stays published
//
// The package has no way to change the keys of a provider: a new one takes its place behind the same HTTP server.
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import Provider, { errors } from 'oidc-provider';

const [addr, file] = process.argv.slice(2);
const issuer = `http://${addr}`;
const audience = 'api://orders';
const opaque = 'api://orders-opaque'; // the same API, and tokens that only this server can read
const mcp = /^http:\/\/127\.0\.0\.1:\d+\/mcp$/; // an MCP server on this machine, whose address is its audience
const types = {
  RS256: ['rsa', { modulusLength: 2048 }], RS384: ['rsa', { modulusLength: 2048 }], PS256: ['rsa', { modulusLength: 2048 }],
  PS384: ['rsa', { modulusLength: 2048 }], ES256: ['ec', { namedCurve: 'P-256' }], EdDSA: ['ed25519', {}], Ed25519: ['ed25519', {}],
};

let keys = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : [newKey('RS256')];
let handler = provider();

function newKey(alg) {
  const { privateKey } = generateKeyPairSync(...types[alg]);
  return { ...privateKey.export({ format: 'jwk' }), kid: randomUUID(), alg, use: 'sig' };
}

// provider returns one that signs with the first key: it takes the first that fits the algorithm of the resource server.
function provider() {
  writeFileSync(file, JSON.stringify(keys));
  const { alg } = keys[0];
  return new Provider(issuer, {
    jwks: { keys },
    scopes: ['get', 'post'],
    clients: [{
      client_id: 'reader', client_secret: 'reader-secret-of-the-tests', grant_types: ['client_credentials'],
      redirect_uris: [], response_types: [], scope: 'get post', id_token_signed_response_alg: alg,
    }, {
      client_id: 'agent', token_endpoint_auth_method: 'none', grant_types: ['authorization_code'], response_types: ['code'],
      application_type: 'native', redirect_uris: ['http://127.0.0.1/callback'], scope: 'get post', id_token_signed_response_alg: alg,
    }],
    clientAuthMethods: ['client_secret_basic', 'client_secret_post', 'none'],
    enabledJWA: { idTokenSigningAlgValues: Object.keys(types) },
    features: {
      devInteractions: { enabled: true }, // forms that let anybody log in, for the tests of authorization codes
      registration: { enabled: true },
      clientCredentials: { enabled: true },
      dPoP: { enabled: true },
      introspection: { enabled: true },
      revocation: { enabled: true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo(_, resource) {
          if (resource === opaque) return { scope: 'get post', audience, accessTokenFormat: 'opaque', accessTokenTTL: 3600 };
          if (mcp.test(resource)) return { scope: 'get post', audience: resource, accessTokenFormat: 'jwt', accessTokenTTL: 3600, jwt: { sign: { alg } } };
          if (resource !== audience) throw new errors.InvalidTarget();
          return { scope: 'get post', audience, accessTokenFormat: 'jwt', accessTokenTTL: 3600, jwt: { sign: { alg } } };
        },
      },
    },
  }).callback();
}

const server = createServer((request, response) => {
  const url = new URL(request.url, issuer);
  if (request.method === 'POST' && url.pathname === '/control/rotate') {
    keys = [newKey(url.searchParams.get('alg')), ...keys];
  } else if (request.method === 'POST' && url.pathname === '/control/retire') {
    keys = keys.slice(0, 1);
  } else {
    handler(request, response);
    return;
  }
  handler = provider();
  response.writeHead(204).end();
});
const [host, port] = addr.split(':');
server.listen(port, host);
process.on('SIGTERM', () => server.close(() => process.exit(0)) && server.closeAllConnections());
