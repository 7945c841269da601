package dpop

import (
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// origin tells by which origin a request came.
type origin struct {
	fixed     string
	proxies   []netip.Prefix
	forwarded bool
}

func newOrigin(cfg *Config) (origin, error) {
	switch {
	case cfg.Origin == "" && len(cfg.Proxies) == 0:
		return origin{}, errors.New("dpop: Config.Origin is missing: give the origin that clients know the API by, such as https://api.example, or the Proxies that say it")
	case cfg.Origin != "" && len(cfg.Proxies) > 0:
		return origin{}, errors.New("dpop: Config.Proxies is set beside Origin: leave one out")
	case cfg.Forwarded && len(cfg.Proxies) == 0:
		return origin{}, errors.New("dpop: Config.Forwarded is for Proxies, and there are none")
	case cfg.Origin != "":
		return fixedOrigin(cfg.Origin)
	}
	for _, prefix := range cfg.Proxies {
		if !prefix.IsValid() {
			return origin{}, errors.New("dpop: Config.Proxies has a prefix that is not valid")
		}
		if prefix.Addr().Is4In6() { // peers are compared as IPv4
			return origin{}, errors.New("dpop: Config.Proxies has IPv4 written as IPv6, which would match nothing: write it as IPv4")
		}
		if prefix.Bits() == 0 {
			return origin{}, errors.New("dpop: Config.Proxies has every address: then each caller says by which origin it came")
		}
	}
	return origin{proxies: slices.Clone(cfg.Proxies), forwarded: cfg.Forwarded}, nil
}

func fixedOrigin(text string) (origin, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.Opaque != "":
		return origin{}, errors.New("dpop: Config.Origin is no origin, such as https://api.example")
	case u.User != nil || strings.Trim(u.Path, "/") != "" || strings.ContainsAny(text, "?#"):
		return origin{}, errors.New("dpop: Config.Origin has more than scheme, host and port: the path is that of each request")
	case u.Scheme != "https" && (u.Scheme != "http" || !isLoopback(u.Hostname())):
		return origin{}, errors.New("dpop: Config.Origin is not https: give the https origin that clients know the API by")
	}
	normal, ok := normalURI(u.Scheme + "://" + u.Host)
	if !ok {
		return origin{}, errors.New("dpop: Config.Origin has a host that is none")
	}
	return origin{fixed: strings.TrimSuffix(normal, "/")}, nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

var (
	errPeer      = errors.New("its peer is none of the Proxies")
	errForwarded = errors.New("its proxy does not say scheme and host, each once")
)

// of returns the origin that a request came by.
func (o *origin) of(r *http.Request) (string, error) {
	if len(o.proxies) == 0 {
		return o.fixed, nil
	}
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || !slices.ContainsFunc(o.proxies, func(p netip.Prefix) bool { return p.Contains(peer.Addr().Unmap()) }) {
		return "", errPeer
	}
	read := xForwarded
	if o.forwarded {
		read = forwarded
	}
	proto, host, ok := read(r.Header)
	if !ok || host == "" || strings.ContainsAny(host, "/?#") {
		return "", errForwarded
	}
	normal, ok := normalURI(proto + "://" + host)
	if !ok {
		return "", errForwarded
	}
	return strings.TrimSuffix(normal, "/"), nil
}

// xForwarded reads the fields of a proxy that sets them anew. A list, or a second
// line, has words of somebody else in it.
func xForwarded(h http.Header) (proto, host string, ok bool) {
	protos, hosts := h["X-Forwarded-Proto"], h["X-Forwarded-Host"]
	if len(protos) != 1 || len(hosts) != 1 {
		return "", "", false
	}
	return strings.TrimSpace(protos[0]), strings.TrimSpace(hosts[0]), true
}

// forwarded reads the one element of the header Forwarded.
//
// RFC 7239 section 4: https://www.rfc-editor.org/rfc/rfc7239#section-4
func forwarded(h http.Header) (proto, host string, ok bool) {
	lines := h["Forwarded"]
	if len(lines) != 1 || strings.Contains(lines[0], ",") {
		return "", "", false
	}
	for pair := range strings.SplitSeq(lines[0], ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(pair), "=")
		var to *string
		switch strings.ToLower(name) {
		case "proto":
			to = &proto
		case "host":
			to = &host
		default:
			continue
		}
		if n := len(value); n >= 2 && value[0] == '"' && value[n-1] == '"' {
			value = value[1 : n-1]
		}
		if *to != "" || value == "" || strings.ContainsAny(value, `"\`) {
			return "", "", false
		}
		*to = value
	}
	return proto, host, proto != "" && host != ""
}
