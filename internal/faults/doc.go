// Package faults tests a whole Gate against an issuer that fails, against crowds of callers, and in a soak that does
// everything at once. It has tests only; docs/faults.md holds the tables that they measure.
//
//	go test ./internal/faults -update   # writes the table of faults
//	make soak                           # ten minutes; writes the table of the soak and docs/soak.svg
package faults
