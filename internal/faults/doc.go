// Package faults tries a whole Gate against an issuer that is in trouble, and
// against crowds. It has tests only; docs/faults.md holds the table that they
// measure.
//
//	go test ./internal/faults -update   # writes the table anew
package faults
