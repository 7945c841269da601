package middleware

import (
	"errors"
	"net"
	"net/url"
	"strings"
)

// wellKnown is put between the host and the path of a resource.
//
// RFC 9728 section 3.1: https://www.rfc-editor.org/rfc/rfc9728#section-3.1
const wellKnown = "/.well-known/oauth-protected-resource"

// metadataAddress returns where the metadata of a resource is, "" for none.
func metadataAddress(resource string) (string, error) {
	if resource == "" {
		return "", nil
	}
	u, err := url.Parse(resource)
	switch {
	case err != nil || u.Host == "" || u.Opaque != "":
		return "", errors.New("is no absolute URL")
	case u.Scheme != "https" && (u.Scheme != "http" || !isLoopback(u.Hostname())):
		return "", errors.New("is not https: give the https URL that callers know the API by")
	case u.User != nil || u.RawQuery != "" || u.ForceQuery || strings.Contains(resource, "#"):
		return "", errors.New("has a user, a query or a fragment, which no identifier of a resource may have")
	}
	path := u.EscapedPath()
	if path == "/" {
		path = ""
	}
	return u.Scheme + "://" + u.Host + wellKnown + path, nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
