package dpop

import (
	"net/http"
	"strings"
)

// targetOf returns the path of the request as its caller wrote it: a middleware
// may have changed r.URL, for instance to strip a prefix, and the proof is for what
// was asked.
func targetOf(r *http.Request) string {
	target := r.RequestURI
	if target == "" { // no server received it: a test made it
		return r.URL.EscapedPath()
	}
	if at := strings.Index(target, "://"); at > 0 && target[0] != '/' { // the absolute form, RFC 9112 section 3.2.2
		_, target = authority(target[at+3:])
	}
	return withoutQuery(target)
}

func withoutQuery(target string) string {
	if end := strings.IndexAny(target, "?#"); end >= 0 {
		return target[:end]
	}
	return target
}

// authority cuts what follows the scheme in two.
func authority(rest string) (host, path string) {
	if end := strings.IndexAny(rest, "/?#"); end >= 0 {
		return rest[:end], rest[end:]
	}
	return rest, ""
}

// matches reports whether htu is the address of a path at an origin. Query and
// fragment make no difference.
//
// RFC 9449 section 4.3: https://www.rfc-editor.org/rfc/rfc9449#section-4.3
func matches(htu, origin, path string) bool {
	if origin == "" || path == "" || path[0] != '/' {
		return false
	}
	if strings.HasPrefix(htu, origin) && htu[len(origin):] == path {
		return true
	}
	return sameURI(htu, origin+path)
}

// sameURI reports whether two addresses are the same, by the normalization that
// depends on syntax and scheme.
//
// RFC 3986 section 6.2.2: https://www.rfc-editor.org/rfc/rfc3986#section-6.2.2
// RFC 3986 section 6.2.3: https://www.rfc-editor.org/rfc/rfc3986#section-6.2.3
func sameURI(a, b string) bool {
	x, ok := normalURI(a)
	if !ok {
		return false
	}
	y, ok := normalURI(b)
	return ok && x == y
}

// normalURI returns the normal form of an http or https address, without its query
// and fragment; false if it is none.
func normalURI(s string) (string, bool) {
	scheme, rest, ok := strings.Cut(s, "://")
	if scheme = strings.ToLower(scheme); !ok || scheme != "https" && scheme != "http" {
		return "", false
	}
	host, path := authority(rest)
	host, ok = normalHost(scheme, host)
	if !ok {
		return "", false
	}
	path, ok = normalPath(withoutQuery(path))
	return scheme + "://" + host + path, ok
}

// normalHost returns a host in lower case, with the port that is not the scheme's own.
func normalHost(scheme, host string) (string, bool) {
	for i := range len(host) {
		if !unreserved(host[i]) && strings.IndexByte(":[]", host[i]) < 0 { // a user, an escape, or what no host is made of
			return "", false
		}
	}
	host = strings.ToLower(host)
	if at := strings.LastIndexByte(host, ':'); at >= 0 && !strings.HasSuffix(host, "]") {
		name, port := host[:at], host[at+1:]
		if strings.Trim(port, "0123456789") != "" || strings.Contains(name, ":") && !strings.HasPrefix(name, "[") {
			return "", false
		}
		if port == "" || scheme == "https" && port == "443" || scheme == "http" && port == "80" {
			host = name
		}
	}
	return host, host != ""
}

// normalPath returns a path whose escapes are in upper case and none of an
// unreserved character, without dot segments; "/" for none.
func normalPath(path string) (string, bool) {
	out := make([]byte, 0, len(path)+1)
	for i := 0; i < len(path); i++ {
		c := path[i]
		switch {
		case c <= ' ' || c >= 0x7f || c == '\\':
			return "", false
		case c != '%':
			out = append(out, c)
		case i+2 >= len(path):
			return "", false
		default:
			high, ok1 := hexDigit(path[i+1])
			low, ok2 := hexDigit(path[i+2])
			if !ok1 || !ok2 {
				return "", false
			}
			if decoded := high<<4 | low; unreserved(decoded) {
				out = append(out, decoded)
			} else {
				const digits = "0123456789ABCDEF"
				out = append(out, '%', digits[high], digits[low])
			}
			i += 2
		}
	}
	return withoutDots(string(out)), true
}

func hexDigit(c byte) (byte, bool) {
	switch {
	case '0' <= c && c <= '9':
		return c - '0', true
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10, true
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}

// RFC 3986 section 2.3: https://www.rfc-editor.org/rfc/rfc3986#section-2.3
func unreserved(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-._~", c) >= 0
}

// withoutDots removes the segments . and .. from a path that is "" or begins with
// a slash.
//
// RFC 3986 section 5.2.4: https://www.rfc-editor.org/rfc/rfc3986#section-5.2.4
func withoutDots(path string) string {
	if !strings.Contains(path, "/.") {
		if path == "" {
			return "/"
		}
		return path
	}
	segments := strings.Split(path[1:], "/")
	kept := make([]string, 0, len(segments))
	for i, segment := range segments {
		last := i == len(segments)-1
		switch segment {
		case ".":
		case "..":
			if len(kept) > 0 {
				kept = kept[:len(kept)-1]
			}
		default:
			kept = append(kept, segment)
			continue
		}
		if last {
			kept = append(kept, "")
		}
	}
	return "/" + strings.Join(kept, "/")
}
