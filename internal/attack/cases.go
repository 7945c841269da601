package attack

import (
	"slices"
	"strings"

	"github.com/sallyport-go/sallyport/internal/forgeries"
	"github.com/sallyport-go/sallyport/internal/quote"
)

// attempt is one case: requests that must not be answered as a good one is.
type attempt struct {
	name      string
	note      forgeries.Note
	requests  []request // on one connection; the last one counts
	odd       bool      // the server may close the connection, or refuse the request as one of HTTP
	alone     bool      // whether the issuer is asked for something meanwhile counts
	elsewhere bool      // another path or method than the good one: it counts what the API answers there
	unsent    string    // why no request can carry it
}

// cases returns what is tried, without what is skipped or not among the groups.
func (c *campaign) cases() ([]attempt, error) {
	all := slices.Concat(c.credentials(), c.forged(), c.shapes(), c.paths())
	if err := c.checkNames(all); err != nil {
		return nil, err
	}
	if c.normal.open { // whatever comes gets in, and forgeries show nothing
		for i := range all[1:] {
			c.skip(all[i+1].name, "the call needs no token at all")
		}
		return all[:1], nil
	}
	var out []attempt
	for i := range all {
		switch a := all[i]; {
		case !c.chosen(a.name, a.note.Group):
		case a.unsent != "":
			c.skip(a.name, a.unsent)
		default:
			out = append(out, a)
		}
	}
	return out, nil
}

// checkNames demands that what is to be skipped is there: a case of another name would be tried nevertheless.
func (c *campaign) checkNames(all []attempt) error {
	for name := range c.cfg.Skip {
		is := func(a attempt) bool { return a.name == name }
		isFault := func(f fault) bool { return f.name == name }
		if !slices.Contains(groups(), name) && !slices.ContainsFunc(all, is) && !slices.ContainsFunc(allFaults(), isFault) {
			return &SettingError{"-skip names no case and no group: " + quote.Text(name) + " (names are in the report; groups are " + strings.Join(groups(), ", ") + ")"}
		}
	}
	return nil
}

// chosen reports whether a case is to be tried, and lists it if the user skips it.
func (c *campaign) chosen(name, group string) bool {
	if len(c.cfg.Only) > 0 && !slices.Contains(c.cfg.Only, group) {
		return false
	}
	for _, of := range []string{name, group} {
		if why, ok := c.cfg.Skip[of]; ok {
			c.skip(name, why)
			return false
		}
	}
	return true
}

// forged returns every forgery of a token.
func (c *campaign) forged() (out []attempt) {
	for name, f := range c.iss.Forgeries(c.options()...) {
		note, ok := forgeries.OfToken(name)
		if !ok {
			continue // none: a test of package forgeries sees to it
		}
		a := attempt{
			name: name, note: note, requests: []request{c.target.good(bearer(f.Token))},
			// Longer than many a server reads, or with what no header may have.
			odd:   len(f.Token) > 4<<10 || strings.ContainsFunc(f.Token, func(r rune) bool { return r < ' ' || r == 0x7f }),
			alone: note.Group == "header" || note.Group == "kid",
		}
		if !sendable(f.Token) {
			a.unsent = "a line end in it would end the header: no request can carry it"
		}
		out = append(out, a)
	}
	return out
}

const (
	requestGroup    = "request"
	pathGroup       = "path"
	credentialGroup = "credentials"
	faultGroup      = "faults"
	goodGroup       = "good"
)

// groups returns the groups that -only and -skip know.
func groups() []string {
	return append(forgeries.TokenGroups(), credentialGroup, requestGroup, pathGroup, faultGroup)
}

func checkGroups(names []string) error {
	for _, name := range names {
		if !slices.Contains(groups(), name) {
			return &SettingError{"-only knows no such group: there are " + strings.Join(groups(), ", ")}
		}
	}
	return nil
}

func checkSkips(skips map[string]string) error {
	for name, why := range skips {
		if strings.TrimSpace(why) == "" {
			return &SettingError{`-skip needs a reason, as in -skip "size=a proxy limits headers"`}
		}
		if !known(name) {
			return &SettingError{"-skip knows neither a case nor a group of that name: take it from the report, groups are " + strings.Join(groups(), ", ")}
		}
	}
	return nil
}

// known reports whether a case may have the name, or a group has it: checkNames is exact.
func known(name string) bool {
	_, ok := forgeries.OfToken(name)
	return ok || slices.Contains(groups(), name) || isCase(name)
}

// isCase reports whether a case that is no forgery has the name.
func isCase(name string) bool {
	group, _, ok := strings.Cut(name, ": ")
	return ok && slices.Contains([]string{credentialGroup, requestGroup, pathGroup, faultGroup}, group)
}
