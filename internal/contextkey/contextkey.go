// Package contextkey is the key by which a context carries claims. It lets a
// Guard put claims and what it knows of their verification into one context.
package contextkey

// Claims is the key of a *claims.Claims.
type Claims struct{}
