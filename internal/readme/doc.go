// Package readme holds only tests: they compile and run what the README shows.
package readme
