// Package guide runs the code that the pages of docs/guide show: each page's is
// in the test file of its name.
package guide
