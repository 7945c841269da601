// Package soak runs a Gate for minutes under everything at once: 64 clients,
// tokens that expire and are revoked, keys that rotate, an issuer that fails
// and comes back. Each answer is judged: was it right at some moment between
// the sending of the request and the arrival of the answer?
//
//	make soak           # ten minutes; writes docs/soak.svg and the table in docs/faults.md
//	make soak SOAK=1m   # a short one
//
// It has tests only. Without a flag they run for a few seconds.
package soak
