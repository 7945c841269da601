package devauth

import (
	"net/http"
	"strings"
)

func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()

	// Metadata and keys of each issuer, all of them subject to its outage.
	for _, i := range s.issuers {
		for _, address := range []string{i.info.DiscoveryURL, i.info.MetadataURL} {
			mux.Handle(s.path(address), read(s.upOnly(i, s.metadata(i))))
		}
		mux.Handle(s.path(i.info.JWKSURL), read(s.upOnly(i, s.jwks(i))))
	}

	// The documented token requests.
	mux.HandleFunc("/{tenant}/oauth2/v2.0/token", s.okq8Token)
	mux.HandleFunc(messagingTokenPath, s.messagingToken)
	mux.HandleFunc(bokbasenTokenPath, s.bokbasenToken)

	// The levers of the demo.
	mux.Handle("/dev", read(http.HandlerFunc(s.devIndex)))
	mux.Handle("/dev/{scheme}/rotate", write(http.HandlerFunc(s.devRotate)))
	mux.Handle("/dev/{scheme}/outage", write(http.HandlerFunc(s.devOutage)))
	mux.Handle("/dev/outage", write(http.HandlerFunc(s.devOutage)))

	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		writeProblem(w, http.StatusNotFound, "not_found", "nothing is here: GET /dev lists what is")
	})

	// A page open in a browser on this machine must not rotate keys, be it by a
	// cross-site request or by a name of its own that resolves to loopback.
	sameOrigin := http.NewCrossOriginProtection()
	sameOrigin.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		writeProblem(w, http.StatusForbidden, "forbidden", "requests from web pages of another origin are refused")
	}))
	return loopbackOnly(sameOrigin.Handler(mux))
}

func (s *Server) path(address string) string { return strings.TrimPrefix(address, s.baseURL) }

func loopbackOnly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !isLoopbackHost(hostname(r.Host)) {
			writeProblem(w, http.StatusMisdirectedRequest, "misdirected_request", "the Host must be a loopback address or localhost")
			return
		}
		next.ServeHTTP(w, r)
	})
}

func read(next http.Handler) http.Handler  { return allow(next, http.MethodGet, http.MethodHead) }
func write(next http.Handler) http.Handler { return allow(next, http.MethodPost) }

func allow(next http.Handler, methods ...string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, m := range methods {
			if r.Method == m {
				next.ServeHTTP(w, r)
				return
			}
		}
		w.Header().Set("Allow", strings.Join(methods, ", "))
		writeProblem(w, http.StatusMethodNotAllowed, "method_not_allowed", "use "+strings.Join(methods, " or "))
	})
}

// upOnly answers 503 during an issuer's outage.
func (s *Server) upOnly(i *issuer, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if i.down.Load() {
			w.Header().Set("Cache-Control", "no-store")
			writeProblem(w, http.StatusServiceUnavailable, "temporarily_unavailable", "this issuer is down: POST /dev/outage?state=off ends it")
			return
		}
		next.ServeHTTP(w, r)
	})
}
