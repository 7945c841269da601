// Package proxies has the tests that put nginx, HAProxy, Caddy and Apache in front
// of an API, with the configurations of docs/guide/proxies, and the handler that
// answers a proxy which asks before it forwards.
package proxies
