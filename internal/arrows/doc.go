// Package arrows has no code of its own. Its tests hold the house together: which package may import which
// (house_test.go reads as the plan), and what no file of the repository may contain.
package arrows
