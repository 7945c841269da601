// Package plainchi has the tests of a Guard in a program with Chi that does not
// import chiauth. Its test binary must not import chiauth either, so they are in
// a package of their own.
package plainchi
