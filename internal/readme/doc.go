// Package readme tests the documentation: its Go lines compile and run, its
// links lead somewhere, and docs/conformance.md agrees with the tests.
package readme
