package main

import (
	"fmt"
	"io"

	"github.com/sallyport-go/sallyport/examples/internal/devauth"
)

// welcome tells a person how to get a token from the development authorization
// server. The lines hold this start's secrets: they are for the terminal.
func welcome(w io.Writer, auth *devauth.Server, api string) {
	fmt.Fprintf(w, "\nThe API is at %s, with a page to try it at /. Get a token by one of these, in three schemes, for a client that may do\n"+
		"everything (%s), read (%s) or nothing (%s):\n", api, devauth.AllLevels, devauth.GetOnly, devauth.NoLevel)
	var scheme devauth.Scheme
	for _, c := range auth.Clients() {
		if c.Scheme != scheme {
			scheme = c.Scheme
			fmt.Fprintf(w, "\n# %s\n", scheme)
		}
		line, err := auth.ShellToken(c.Scheme, c.ID, "")
		if err != nil { // cannot happen: the client is of the table
			continue
		}
		fmt.Fprintf(w, "%s   # %s\n", line, c.Name)
	}
	fmt.Fprintf(w, "\nThen call it:\n\ncurl -i -H \"Authorization: Bearer $TOKEN\" %s/orders\n\n", api)
}
