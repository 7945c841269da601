package devauth

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"slices"
)

// allLevels are the access levels that a client may be granted.
var allLevels = []string{"get", "post", "put", "delete"}

// The names of every scheme's clients.
const (
	AllLevels = "all"    // get, post, put and delete
	GetOnly   = "reader" // get
	NoLevel   = "none"   // known, gets a token, is granted nothing
)

// Client is a caller known to the server. Its secret is for the person at the
// terminal, never for a log.
type Client struct {
	Scheme    Scheme   `json:"scheme"`
	Name      string   `json:"name"` // AllLevels, GetOnly or NoLevel
	ID        string   `json:"client_id"`
	ObjectID  string   `json:"object_id,omitempty"` // Entra's service principal
	Levels    []string `json:"levels"`
	Audiences []string `json:"audiences"` // those it may ask a token for
	Secret    string   `json:"-"`         // of this start
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

// newClients returns who exists and what each is granted, with new secrets. A
// messaging client id may hold anything but a colon: the reader's tries percent
// signs and Unicode.
func newClients() []Client {
	const okq8ID, okq8Object = "c0ffee00-5a11-4001-8000-00000000000", "0b1ec700-5a11-4001-8000-00000000000"
	get, none := []string{"get"}, []string{}
	clients := []Client{
		{Scheme: OKQ8, Name: AllLevels, ID: okq8ID + "1", ObjectID: okq8Object + "1", Levels: allLevels, Audiences: okq8Audiences},
		{Scheme: OKQ8, Name: GetOnly, ID: okq8ID + "2", ObjectID: okq8Object + "2", Levels: get, Audiences: okq8Audiences},
		{Scheme: OKQ8, Name: NoLevel, ID: okq8ID + "3", ObjectID: okq8Object + "3", Levels: none, Audiences: okq8Audiences},

		{Scheme: Messaging, Name: AllLevels, ID: "orders-all", Levels: allLevels, Audiences: messagingAudiences},
		{Scheme: Messaging, Name: GetOnly, ID: "leser-50%-blåbær", Levels: get, Audiences: messagingAudiences},
		{Scheme: Messaging, Name: NoLevel, ID: "orders-none", Levels: none, Audiences: messagingAudiences},

		{Scheme: Bokbasen, Name: AllLevels, ID: "sA1lyP0rtA11LevelsForEveryService", Levels: allLevels, Audiences: bokbasenAudiences},
		{Scheme: Bokbasen, Name: GetOnly, ID: "sA1lyP0rtReaderOfArticlesAndPrice", Levels: get, Audiences: []string{bokbasenAudiences[0], bokbasenAudiences[4]}},
		{Scheme: Bokbasen, Name: NoLevel, ID: "sA1lyP0rtNothingIsGrantedAtAllYet", Levels: none, Audiences: bokbasenAudiences[:1]},
	}
	for n := range clients {
		// 256 random bits. Messaging's hold characters (+, /, =) that the two ways
		// of writing HTTP Basic credentials treat differently; the others travel
		// in forms and are kept safe to paste there.
		encoding := base64.RawURLEncoding
		if clients[n].Scheme == Messaging {
			encoding = base64.StdEncoding
		}
		clients[n].Secret = encoding.EncodeToString(randomBytes(32))
	}
	return clients
}

// granted returns what c may use of the levels asked for, in the table's order.
func (c Client) granted(asked []string) []string {
	return slices.DeleteFunc(slices.Clone(c.Levels), func(l string) bool { return !slices.Contains(asked, l) })
}

// Clients lists the known clients. The caller owns the result.
func (s *Server) Clients() []Client {
	all := slices.Clone(s.clients)
	for n := range all {
		all[n].Levels, all[n].Audiences = slices.Clone(all[n].Levels), slices.Clone(all[n].Audiences)
	}
	return all
}

// Client returns the client of a scheme by its name, [AllLevels], [GetOnly] or
// [NoLevel], or by its client id.
func (s *Server) Client(scheme Scheme, who string) (Client, error) {
	for _, c := range s.Clients() {
		if c.Scheme == scheme && (c.Name == who || c.ID == who) {
			return c, nil
		}
	}
	return Client{}, fmt.Errorf("devauth: %s has no such client: use %s, %s or %s", scheme, AllLevels, GetOnly, NoLevel)
}

// authenticate compares in constant time, whether or not the client exists.
func (s *Server) authenticate(scheme Scheme, id, secret string) (c Client, known, ok bool) {
	n := slices.IndexFunc(s.clients, func(c Client) bool { return c.Scheme == scheme && c.ID == id })
	if known = n >= 0; known {
		c = s.clients[n]
	}
	got, want := sha256.Sum256([]byte(secret)), sha256.Sum256([]byte(c.Secret))
	return c, known, subtle.ConstantTimeCompare(got[:], want[:]) == 1 && known
}

func randomBytes(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails: it aborts the program instead
	return b
}

// randomID is 128 random bits in base64url, as jti and uti are.
func randomID() string { return base64.RawURLEncoding.EncodeToString(randomBytes(16)) }
