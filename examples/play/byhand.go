package main

import (
	"github.com/sallyport-go/sallyport/examples/internal/devauth"
)

// byHand says how to go on. These lines alone hold secrets: they are to be
// pasted, and good for as long as this process runs.
func (p *play) byHand() {
	s, api, auth := p.screen, p.stage.API.URL(), p.stage.Auth.URL()
	s.line("  ", s.in(bold, "Now you"), s.in(dim, "  in a browser, or paste the lines into another terminal; Ctrl-C here ends it"))
	s.gap()
	s.line(s.in(dim, "# pick a caller, call each route, read why it was refused"))
	s.line(s.in(cyan, api+"/"))
	for _, scheme := range []devauth.Scheme{devauth.OKQ8, devauth.Messaging, devauth.Bokbasen} {
		s.gap()
		s.line(s.in(dim, "# a token of "+string(scheme)+", for a client that may do everything, then for one that may only get"))
		for _, name := range []string{devauth.AllLevels, devauth.GetOnly} {
			c, err := p.stage.Auth.Client(scheme, name)
			if err != nil {
				continue // cannot happen: every scheme has these clients
			}
			if line, err := p.stage.Auth.ShellToken(scheme, c.ID, ""); err == nil {
				s.line(s.in(cyan, line))
			}
		}
	}
	for _, row := range [][]string{
		{
			"# use it", `curl -i -H "Authorization: Bearer $TOKEN" ` + api + "/orders",
			`curl -i -H "Authorization: Bearer $TOKEN" -X DELETE ` + api + "/orders/1",
			`curl -s -H "Authorization: Bearer $TOKEN" ` + api + "/whoami",
		},
		{"# rotate the keys of a scheme: okq8, messaging or bokbasen", "curl -X POST " + auth + "/dev/okq8/rotate"},
		{"# take all issuers down, and up again", "curl -s -X POST '" + auth + "/dev/outage?state=on'", "curl -s -X POST '" + auth + "/dev/outage?state=off'"},
		{"# how the keys are doing, and what there is", "curl -s " + api + "/keys", "curl -s " + auth + "/dev"},
	} {
		s.gap()
		s.line(s.in(dim, row[0]))
		for _, line := range row[1:] {
			s.line(s.in(cyan, line))
		}
	}
	s.gap()
	s.line("  ", s.in(dim, "What the API refuses from here on is logged below."))
	s.gap()
}
