package proxies

import (
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/middleware"
)

// NewServer returns the server that a proxy asks. It listens where only the proxy
// reaches it.
func NewServer(gate *sallyport.Gate) (*http.Server, error) {
	enforce, err := gate.Enforce(middleware.Policy{
		Access: map[string]claims.AccessLevels{"/orders": {Resources: []string{"api://orders"}}},
		Rules:  map[string]claims.Rule{"POST /orders/{id}/pay": claims.AllScopes("orders.pay")},
	})
	if err != nil {
		return nil, err
	}
	answers := ForwardAuth(enforce(http.HandlerFunc(Allow)), netip.MustParsePrefix("127.0.0.0/8"))
	return &http.Server{Addr: "127.0.0.1:9090", Handler: answers, ReadTimeout: 10 * time.Second, IdleTimeout: time.Minute}, nil
}

// ForwardAuth returns the handler that a proxy asks before each request, as nginx
// does by auth_request and Caddy by forward_auth. rules judge the request that the
// proxy got, which X-Forwarded-Method and X-Forwarded-Uri describe; these headers
// count only where the peer is one of proxies.
func ForwardAuth(rules http.Handler, proxies ...netip.Prefix) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		peer, err := netip.ParseAddrPort(r.RemoteAddr)
		if err != nil || !slices.ContainsFunc(proxies, func(p netip.Prefix) bool { return p.Contains(peer.Addr().Unmap()) }) {
			http.Error(w, "not from a trusted proxy", http.StatusForbidden)
			return
		}
		methods, targets := r.Header.Values("X-Forwarded-Method"), r.Header.Values("X-Forwarded-Uri")
		if len(methods) != 1 || methods[0] == "" || len(targets) != 1 {
			http.Error(w, "the proxy must set X-Forwarded-Method and X-Forwarded-Uri, once each", http.StatusInternalServerError)
			return
		}
		target, err := url.ParseRequestURI(targets[0])
		if err != nil || !strings.HasPrefix(targets[0], "/") {
			http.Error(w, "bad request target", http.StatusBadRequest)
			return
		}
		asked := &http.Request{
			Method: methods[0], URL: target, RequestURI: targets[0], Host: r.Host, RemoteAddr: r.RemoteAddr,
			Header: r.Header.Clone(), Proto: r.Proto, ProtoMajor: r.ProtoMajor, ProtoMinor: r.ProtoMinor, Body: http.NoBody,
		}
		rules.ServeHTTP(w, asked.WithContext(r.Context()))
	})
}

// Allow is the handler behind the rules: it lets a request pass, and tells the
// application which client sent it, or by an empty header that this is not known.
func Allow(w http.ResponseWriter, r *http.Request) {
	client := ""
	if c, ok := claims.FromContext(r.Context()); ok {
		client = c.ClientID()
	}
	w.Header().Set("X-Client-Id", client)
	w.WriteHeader(http.StatusNoContent)
}
