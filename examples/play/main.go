// Command play is the demo: it starts an authorization server and an API that
// Sallyport protects, sends them real requests, shows each with its answer, and
// checks every answer against what the documentation promises. Then it keeps
// serving, for you to go on by hand. In the root, make demo runs it.
//
//	play          # plays, then serves until Ctrl-C
//	play -once    # plays, then ends: with 1 if any answer was not as promised
//
// It exits with 2 when the flags are wrong.
package main

import "github.com/sallyport-go/sallyport/examples/internal/demo"

func main() { demo.Main(run) }
