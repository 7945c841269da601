package verifier

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"unicode"

	"github.com/sallyport-go/sallyport/internal/quote"
)

// nearIssuer says in what alone iss differs from a configured issuer, "" if it
// differs in more.
func (v *Verifier) nearIssuer(iss string) string {
	for _, name := range slices.Sorted(maps.Keys(v.issuers)) {
		if clean(iss) == name {
			return "Only white space or a character that cannot be seen differs in iss: the issuer must write " + quote.UpTo(name, maxShown) + "."
		}
		if what, same := difference(name, iss); what != "" {
			return what + ": set the issuer to " + quote.UpTo(iss, maxShown) + doubt(same, ", or is it from TEST while this is PROD?")
		}
	}
	return ""
}

// nearAudience is nearIssuer for an audience.
func (i *issuer) nearAudience(aud string) string {
	for _, want := range i.audiences {
		if clean(aud) == want {
			return "Only white space or a character that cannot be seen differs in aud: the issuer must write " + quote.UpTo(want, maxShown) + "."
		}
		if what, same := difference(want, aud); what != "" {
			return what + ": set the audience to " + quote.UpTo(aud, maxShown) + doubt(same, ", if that means this API.")
		}
		if names := strings.FieldsFunc(aud, func(r rune) bool { return strings.ContainsRune(` ,;[]"`, r) }); len(names) > 0 && slices.Contains(names, want) {
			return "aud is one string that lists several: it must be a JSON array of strings."
		}
	}
	return ""
}

// doubt ends a sentence, with more where two names may well mean different things.
func doubt(same bool, more string) string {
	if same {
		return "."
	}
	return more
}

// difference returns in what alone two texts differ: the trailing slash, case, or
// one part of an address; "" if in more. It reports whether both may well mean the
// same.
func difference(want, got string) (what string, same bool) {
	switch {
	case want == got || got == "":
		return "", false
	case strings.TrimSuffix(want, "/") == strings.TrimSuffix(got, "/"):
		return "Only the trailing slash differs", true
	case strings.EqualFold(want, got):
		return "Only upper and lower case differ", true
	}
	a, err := url.Parse(want)
	if err != nil || a.Host == "" {
		return "", false
	}
	b, err := url.Parse(got)
	if err != nil || a.Hostname() != b.Hostname() || b.User != nil || strings.ContainsAny(got, "?#") {
		return "", false
	}
	return differentPart(a, b)
}

// differentPart is [difference] of two addresses of one host.
func differentPart(a, b *url.URL) (what string, same bool) {
	equal := map[string]bool{"scheme": a.Scheme == b.Scheme, "port": a.Port() == b.Port(), "path": a.EscapedPath() == b.EscapedPath()}
	switch {
	case !equal["scheme"] && equal["port"] && equal["path"]:
		return fmt.Sprintf("Only the scheme differs (%s, and %s is configured)", quote.Text(b.Scheme), quote.Text(a.Scheme)), true
	case equal["scheme"] && !equal["port"] && equal["path"]:
		return fmt.Sprintf("Only the port differs (%s, and %s is configured)", port(b), port(a)), false
	case equal["scheme"] && equal["port"] && !equal["path"]:
		if a.Path == b.Path {
			return "Only the escaping of a character in the path differs", true
		}
		return fmt.Sprintf("The host is the same, but the path differs (%s, and %s is configured)", quote.Text(b.EscapedPath()), quote.Text(a.EscapedPath())), false
	}
	return "", false
}

func port(u *url.URL) string {
	if u.Port() == "" {
		return "none"
	}
	return ":" + u.Port()
}

// clean is text without white space around it, and without what cannot be seen.
func clean(text string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) && !unicode.IsSpace(r) {
			return -1
		}
		return r
	}, text))
}
