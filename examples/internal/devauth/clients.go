package devauth

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"slices"
)

// The access levels that a client may be granted.
const (
	levelGet    = "get"
	levelPost   = "post"
	levelPut    = "put"
	levelDelete = "delete"
)

var allLevels = []string{levelGet, levelPost, levelPut, levelDelete}

// The names of every scheme's clients.
const (
	AllLevels = "all"    // get, post, put and delete
	GetOnly   = "reader" // get
	NoLevel   = "none"   // known, gets a token, is granted nothing
)

// Client is a caller known to the server. Its secret is apart: [Server.Secret].
type Client struct {
	Scheme    Scheme   `json:"scheme"`
	Name      string   `json:"name"` // AllLevels, GetOnly or NoLevel
	ID        string   `json:"client_id"`
	ObjectID  string   `json:"object_id,omitempty"` // Entra's service principal
	Levels    []string `json:"levels"`
	Audiences []string `json:"audiences"` // those it may ask a token for
}

// Tenant is the directory that the okq8 scheme's clients live in.
const Tenant = "5a11f0e7-1d3c-4b6e-9f21-70c8d2b4e6a9"

// Audiences by scheme. Bokbasen's first one is the documented sample; the
// others are of the same shape, one for each of seven services.
var (
	okq8Audiences      = []string{"api://apim-x-api"}
	messagingAudiences = []string{"https://api.messaging.example/"}
	bokbasenAudiences  = []string{
		"https://api.dev.bokbasen.io/article/",
		"https://api.dev.bokbasen.io/content/",
		"https://api.dev.bokbasen.io/order/",
		"https://api.dev.bokbasen.io/party/",
		"https://api.dev.bokbasen.io/price/",
		"https://api.dev.bokbasen.io/report/",
		"https://api.dev.bokbasen.io/stock/",
	}
)

// clientTable is who exists and what each is granted. A messaging client id may
// hold anything but a colon: the reader's tries percent signs and Unicode.
var clientTable = []Client{
	{OKQ8, AllLevels, "c0ffee00-5a11-4001-8000-000000000001", "0b1ec700-5a11-4001-8000-000000000001", allLevels, okq8Audiences},
	{OKQ8, GetOnly, "c0ffee00-5a11-4001-8000-000000000002", "0b1ec700-5a11-4001-8000-000000000002", []string{levelGet}, okq8Audiences},
	{OKQ8, NoLevel, "c0ffee00-5a11-4001-8000-000000000003", "0b1ec700-5a11-4001-8000-000000000003", []string{}, okq8Audiences},

	{Messaging, AllLevels, "orders-all", "", allLevels, messagingAudiences},
	{Messaging, GetOnly, "leser-50%-blåbær", "", []string{levelGet}, messagingAudiences},
	{Messaging, NoLevel, "orders-none", "", []string{}, messagingAudiences},

	{Bokbasen, AllLevels, "sA1lyP0rtA11LevelsForEveryService", "", allLevels, bokbasenAudiences},
	{Bokbasen, GetOnly, "sA1lyP0rtReaderOfArticlesAndPrice", "", []string{levelGet}, []string{bokbasenAudiences[0], bokbasenAudiences[4]}},
	{Bokbasen, NoLevel, "sA1lyP0rtNothingIsGrantedAtAllYet", "", []string{}, bokbasenAudiences[:1]},
}

func (c Client) clone() Client {
	c.Levels, c.Audiences = slices.Clone(c.Levels), slices.Clone(c.Audiences)
	return c
}

// granted returns what c may use of the levels asked for, in the table's order.
func (c Client) granted(asked []string) []string {
	return slices.DeleteFunc(slices.Clone(c.Levels), func(l string) bool { return !slices.Contains(asked, l) })
}

// Clients lists the known clients, without their secrets. The caller owns the
// result.
func (s *Server) Clients() []Client {
	all := make([]Client, len(clientTable))
	for n, c := range clientTable {
		all[n] = c.clone()
	}
	return all
}

// Client returns the client of a scheme by its name: [AllLevels], [GetOnly] or
// [NoLevel].
func (s *Server) Client(scheme Scheme, name string) (Client, error) {
	for _, c := range clientTable {
		if c.Scheme == scheme && c.Name == name {
			return c.clone(), nil
		}
	}
	return Client{}, fmt.Errorf("devauth: %s has no client named %q: use %s, %s or %s", scheme, name, AllLevels, GetOnly, NoLevel)
}

// Secret returns a client's secret of this start. Show it to the person at the
// terminal, never to a log.
func (s *Server) Secret(scheme Scheme, clientID string) (string, error) {
	reg, err := s.clients.find(scheme, clientID)
	return reg.secret, err
}

type clientKey struct {
	scheme Scheme
	id     string
}

type registered struct {
	client Client
	secret string
}

// registry holds the clients of the table with the secrets of this start. It is
// immutable.
type registry map[clientKey]registered

func newRegistry() registry {
	r := make(registry, len(clientTable))
	for _, c := range clientTable {
		r[clientKey{c.Scheme, c.ID}] = registered{c, newSecret(c.Scheme)}
	}
	return r
}

// newSecret makes 256 random bits. Messaging's hold characters (+, /, =) that
// the two ways of writing HTTP Basic credentials treat differently; the others
// travel in forms and are kept safe to paste there.
func newSecret(scheme Scheme) string {
	if scheme == Messaging {
		return base64.StdEncoding.EncodeToString(randomBytes(32))
	}
	return base64.RawURLEncoding.EncodeToString(randomBytes(32))
}

// verify compares in constant time, whether or not the client exists.
func (r registry) verify(scheme Scheme, id, secret string) (c Client, known, ok bool) {
	reg, known := r[clientKey{scheme, id}]
	got, want := sha256.Sum256([]byte(secret)), sha256.Sum256([]byte(reg.secret))
	ok = subtle.ConstantTimeCompare(got[:], want[:]) == 1 && known
	return reg.client, known, ok
}

func (r registry) find(scheme Scheme, id string) (registered, error) {
	reg, ok := r[clientKey{scheme, id}]
	if !ok {
		return registered{}, fmt.Errorf("devauth: %s has no such client: Clients lists them", scheme)
	}
	return reg, nil
}

func randomBytes(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails: it aborts the program instead
	return b
}

// randomID is 128 random bits in base64url, as jti and uti are.
func randomID() string { return base64.RawURLEncoding.EncodeToString(randomBytes(16)) }
