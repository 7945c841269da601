package attack

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/sallyport-go/sallyport/internal/forgeries"
)

// paths returns requests without a token that lead to the same handler by another spelling of its path or method. They
// count if the answer is the one that a good token gets.
func (c *campaign) paths() (out []attempt) {
	add := func(name, section string, r request) {
		out = append(out, attempt{
			name: "path: " + name, requests: []request{r}, odd: true, elsewhere: true,
			note: forgeries.Note{Group: pathGroup, Level: forgeries.Hole, Section: section, What: "anybody gets in, without a token: the check and the router read the request in two ways"},
		})
	}
	path, query, asked := strings.Cut(c.target.path, "?")
	if asked {
		query = "?" + query
	}
	for _, s := range spellings(path) {
		r := c.target.good()
		r.target = s.path + query
		add(s.name, "RFC 3986 6.2.2", r)
	}
	whole := c.target.good()
	whole.target = "http://" + c.target.host + c.target.path
	add("the whole address", "RFC 9112 3.2.2", whole)
	elsewhere := c.target.good()
	elsewhere.target = "http://other.example" + c.target.path
	add("the whole address, of another host", "RFC 9112 3.2.2", elsewhere)
	for _, header := range []string{"X-Original-URL", "X-Rewrite-URL", "X-Forwarded-Uri", "X-Original-Uri"} {
		r := c.target.good(header + ": " + c.target.path)
		r.target = "/"
		add("the root, and the path in "+header, "RFC 9110 7.1", r)
	}
	for _, method := range []string{"HEAD", strings.ToLower(c.cfg.Method), "TRACE", "PURGE", "PROPFIND", "X"} {
		if method != c.cfg.Method {
			r := c.target.good()
			r.method = method
			add("the method "+method, "RFC 9110 9.1", r)
		}
	}
	old := c.target.good()
	old.raw = fmt.Sprintf("%s %s HTTP/1.0\r\nHost: %s\r\n\r\n", c.cfg.Method, c.target.path, c.target.host)
	add("HTTP/1.0", "RFC 9112 2.3", old)
	return out
}

type spelling struct{ name, path string }

// spellings returns other forms of a path.
func spellings(path string) []spelling {
	first, rest := split(path)
	out := []spelling{
		{"two slashes before", "/" + path},
		{"a slash behind", path + "/"},
		{"two slashes behind", path + "//"},
		{"a dot before", "/." + path},
		{"a dot behind", path + "/."},
		{"two dots before", "/x/.." + path},
		{"two dots behind", path + "/x/.."},
		{"two dots, escaped", "/x/%2e%2e" + path},
		{"two dots, escaped twice", "/x/%252e%252e" + path},
		{"a slash escaped before", "/%2f" + strings.TrimPrefix(path, "/")},
		{"a slash escaped behind", path + "%2f"},
		{"a backslash before", `/\` + strings.TrimPrefix(path, "/")},
		{"a parameter behind", path + ";x=y"},
		{"a parameter before", "/;x=y" + path},
		{"an extension", path + ".json"},
		{"an extension of HTML", path + ".html"},
		{"a question mark, escaped", path + "%3f"},
		{"a number sign, escaped", path + "%23"},
		{"a space, escaped", path + "%20"},
		{"a tab, escaped", path + "%09"},
		{"a NUL, escaped", path + "%00"},
		{"a line end, escaped", path + "%0a"},
		{"a dot at the end", path + "."},
		{"a tilde at the end", path + "~"},
		{"two dots behind a semicolon", "/x/..;" + path},
		{"an invalid escape", path + "%zz"},
		{"an overlong slash", "/%c0%af" + strings.TrimPrefix(path, "/")},
		{"a fragment", path + "#x"},
	}
	if first != "" {
		out = append(out,
			spelling{"the first letter escaped", "/" + fmt.Sprintf("%%%02x", first[0]) + first[1:] + rest},
			spelling{"the first letter escaped twice", "/" + fmt.Sprintf("%%25%02x", first[0]) + first[1:] + rest},
			spelling{"all of it escaped", "/" + allEscaped(first) + rest},
			spelling{"in capitals", strings.ToUpper(path)},
			spelling{"the first letter in the other case", "/" + otherCase(first) + rest})
	}
	return out
}

// split returns the first segment, and what stands behind it.
func split(path string) (first, rest string) {
	path = strings.TrimPrefix(path, "/")
	if at := strings.IndexByte(path, '/'); at >= 0 {
		return path[:at], path[at:]
	}
	return path, ""
}

func allEscaped(s string) string {
	plain, err := url.PathUnescape(s)
	if err != nil {
		plain = s
	}
	var b strings.Builder
	for i := range len(plain) {
		fmt.Fprintf(&b, "%%%02x", plain[i])
	}
	return b.String()
}

func otherCase(s string) string {
	if upper := strings.ToUpper(s[:1]); upper != s[:1] {
		return upper + s[1:]
	}
	return strings.ToLower(s[:1]) + s[1:]
}
