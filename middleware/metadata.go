package middleware

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/sallyport-go/sallyport/claims"
)

// Metadata is what the metadata of a resource says beside what its Guard knows.
//
// RFC 9728 section 2: https://www.rfc-editor.org/rfc/rfc9728#section-2
type Metadata struct {
	_ [0]func()

	// AuthorizationServers are the issuers that tokens for this API come from. At
	// least one.
	AuthorizationServers []string
	// More is further members, such as resource_name or resource_documentation. It
	// cannot have those that the Guard states by itself: resource,
	// authorization_servers, scopes_supported, bearer_methods_supported and what
	// its Bindings say.
	More map[string]any
}

// DescribingBinding is a Binding that the metadata of the resource tells of.
type DescribingBinding interface {
	Binding
	// Describe returns members of the metadata, such as
	// dpop_signing_alg_values_supported. It is called when the handler is made.
	Describe() map[string]any
}

// MetadataPath returns the path of the metadata on the host of [Config.Resource],
// for a router; "" without a resource.
func (g *Guard) MetadataPath() string {
	u, err := url.Parse(g.current().decider.metadata)
	if err != nil {
		return ""
	}
	return u.EscapedPath()
}

// MetadataHandler returns the handler of the metadata of [Config.Resource], for
// [Guard.MetadataPath]. Mount it outside of the Guard, or exempt its path:
//
//	mux.Handle(guard.MetadataPath(), metadata)
//
// It answers GET, HEAD and the preflights of browsers, from any origin. The scopes
// that it lists are those of the rules that this Guard was given until then, by
// Require, RequireAccess, Enforce and the adapters, so document and rules cannot
// disagree; offline_access is left out. Rules that are given to Check are not
// known in advance.
//
// RFC 9728 section 3: https://www.rfc-editor.org/rfc/rfc9728#section-3
func (g *Guard) MetadataHandler(m Metadata) (http.Handler, error) {
	now := g.current()
	var errs []error
	if now.resource == "" {
		errs = append(errs, errors.New("middleware: MetadataHandler: set Config.Resource, which the metadata is about"))
	}
	if len(m.AuthorizationServers) == 0 || slices.Contains(m.AuthorizationServers, "") {
		errs = append(errs, errors.New("middleware: MetadataHandler: name at least one of AuthorizationServers, and none that is empty"))
	}
	m.AuthorizationServers, m.More = slices.Clone(m.AuthorizationServers), maps.Clone(m.More)
	first, err := now.members(&m)
	if err := errors.Join(append(errs, err)...); err != nil {
		return nil, err
	}
	h := &metadataHandler{guard: g, metadata: m}
	h.last.Store(&stated{by: now, members: first})
	return h, nil
}

// members returns what the metadata says but for the scopes. What the Guard states
// by itself stays beside an error.
func (g *guard) members(m *Metadata) (map[string]json.RawMessage, error) {
	document := map[string]any{
		"resource":                 g.resource,
		"authorization_servers":    m.AuthorizationServers,
		"bearer_methods_supported": []string{"header"},
	}
	for _, b := range g.bound.bindings {
		if d, ok := b.(DescribingBinding); ok {
			maps.Copy(document, d.Describe())
		}
	}
	var errs []error
	for name, value := range m.More {
		if _, own := document[name]; own || name == "scopes_supported" {
			errs = append(errs, fmt.Errorf("middleware: MetadataHandler: More has %.40q, which the Guard states by itself", name))
			continue
		}
		document[name] = value
	}
	members := make(map[string]json.RawMessage, len(document)+1)
	for name, value := range document {
		text, err := json.Marshal(value)
		if err != nil {
			errs = append(errs, fmt.Errorf("middleware: MetadataHandler: %.40q: %w", name, err))
			continue
		}
		members[name] = text
	}
	return members, errors.Join(errs...)
}

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
	case !inURLForm(resource, u):
		return "", errors.New("is not written as callers ask for it: escape what no URL has (RFC 3986 section 2), and leave out dots, doubled slashes and an empty port")
	}
	below := u.EscapedPath()
	if below == "/" {
		below = ""
	}
	return u.Scheme + "://" + u.Host + wellKnown + below, nil
}

// inURLForm reports whether the text of a URL can be compared byte for byte, sent in
// a header, and asked for at a router: it has the characters of URLs alone, and no
// segments that routers remove.
//
// RFC 3986 section 2: https://www.rfc-editor.org/rfc/rfc3986#section-2
func inURLForm(text string, u *url.URL) bool {
	foreign := func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune("\"<>\\^`{|}", r) }
	clean := u.Path == "" || path.Clean(u.Path) == cmp.Or(strings.TrimSuffix(u.Path, "/"), "/")
	return clean && !strings.ContainsFunc(text, foreign) && !strings.ContainsFunc(u.Host, foreign) && !strings.HasSuffix(u.Host, ":")
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// metadataHandler sends the metadata. It says nothing that a stranger may not know.
type metadataHandler struct {
	guard    *Guard
	metadata Metadata
	last     atomic.Pointer[stated]
}

// stated is what one configuration of the Guard states.
type stated struct {
	by      *guard
	members map[string]json.RawMessage // but for the scopes
}

// now returns what is stated now.
func (h *metadataHandler) now() map[string]json.RawMessage {
	current, last := h.guard.current(), h.last.Load()
	if last.by != current {
		members, _ := current.members(&h.metadata) // what More has beside the Guard is left out
		last = &stated{by: current, members: members}
		h.last.Store(last)
	}
	return last.members
}

func (h *metadataHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("Access-Control-Allow-Origin", "*")
	switch r.Method {
	case http.MethodGet, http.MethodHead:
	case http.MethodOptions:
		header.Set("Access-Control-Allow-Methods", "GET, HEAD")
		header.Set("Access-Control-Allow-Headers", "*") // of MCP clients, which name the version of their protocol
		header.Set("Access-Control-Max-Age", "86400")
		header.Set("Allow", "GET, HEAD, OPTIONS")
		w.WriteHeader(http.StatusNoContent)
		return
	default:
		header.Set("Allow", "GET, HEAD, OPTIONS") // RFC 9110 section 15.5.6
		http.Error(w, "the metadata is for GET", http.StatusMethodNotAllowed)
		return
	}
	document := h.now()
	if scopes := h.guard.scopes.sorted(); len(scopes) > 0 {
		document = maps.Clone(document)
		document["scopes_supported"], _ = json.Marshal(scopes) //nolint:errchkjson // strings
	}
	body, err := json.Marshal(document)
	if err != nil { // each member was written when the handler was made
		http.Error(w, "", http.StatusInternalServerError)
		return
	}
	header.Set("Content-Type", "application/json")
	header.Set("Cache-Control", "public, max-age=300")
	if r.Method == http.MethodGet {
		_, _ = w.Write(append(body, '\n'))
	}
}

// scopeSet is the scopes of the rules that a Guard was given. It is safe for
// concurrent use.
type scopeSet struct {
	mu    sync.Mutex
	names map[string]bool
}

func (s *scopeSet) add(rules ...claims.Rule) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, rule := range rules {
		for _, scope := range rule.Scopes() {
			s.names[scope] = true
		}
	}
}

func (s *scopeSet) addAccess(access *claims.Access) {
	for _, method := range [...]string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete} {
		s.add(access.Rule(method))
	}
}

// sorted returns them without offline_access, which is for a token's own client
// and nothing that a resource asks for.
func (s *scopeSet) sorted() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.DeleteFunc(slices.Sorted(maps.Keys(s.names)), func(scope string) bool { return scope == "offline_access" })
}
