package devauth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
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

// Clients lists the known clients. Their levels and audiences are the server's
// own.
func (s *Server) Clients() []Client { return slices.Clone(s.clients) }

// Client returns the client of a scheme by its name, [AllLevels], [GetOnly] or
// [NoLevel], or by its client id.
func (s *Server) Client(scheme Scheme, who string) (Client, error) {
	for i := range s.clients {
		if c := &s.clients[i]; c.Scheme == scheme && (c.Name == who || c.ID == who) {
			return *c, nil
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

// TokenRequest is a documented token request, in curl's words. It holds the
// client's secret: it is for a terminal, never for a log.
type TokenRequest struct {
	URL  string
	Args []string // flags, each followed by its value
}

// TokenRequest returns a client's documented request for a token of its first
// audience.
func (s *Server) TokenRequest(c Client) TokenRequest {
	t := TokenRequest{Args: []string{"-d", "grant_type=" + clientCredentials}}
	switch c.Scheme {
	case OKQ8:
		t.URL = s.issuers[0].info.TokenURL
		t.Args = append(t.Args, "-d", "client_id="+c.ID, "--data-urlencode", "client_secret="+c.Secret, "--data-urlencode", "scope="+c.Audiences[0]+"/"+defaultScope)
	case Messaging:
		t.URL = s.issuers[1].info.TokenURL
		t.Args = append([]string{"-u", c.ID + ":" + c.Secret}, t.Args...)
	case Bokbasen:
		t.URL = s.issuers[2].info.TokenURL
		body, _ := json.Marshal(map[string]string{ // strings always can be marshalled
			"client_id": c.ID, "client_secret": c.Secret, "audience": c.Audiences[0], "grant_type": clientCredentials,
		})
		t.Args = []string{"-H", "Content-Type: " + typeJSON, "-d", string(body)}
	}
	return t
}

// Lines returns the curl command for a POSIX shell, an argument on each line.
func (t TokenRequest) Lines() []string {
	lines := []string{"curl -s -X POST " + shellQuote(t.URL)}
	for pair := range slices.Chunk(t.Args, 2) {
		lines = append(lines, pair[0]+" "+shellQuote(pair[1]))
	}
	return lines
}

// Curl returns the curl command for a POSIX shell, ready to paste.
func (t TokenRequest) Curl() string { return strings.Join(t.Lines(), " ") }

// Shell returns Curl as an assignment that puts the token into the shell's
// variable TOKEN, with nothing but what every POSIX system has.
func (t TokenRequest) Shell() string {
	return "TOKEN=$(" + t.Curl() + ` | sed 's/.*"access_token":"\([^"]*\)".*/\1/')`
}

// Request returns the request that curl would send.
func (t TokenRequest) Request(ctx context.Context) (*http.Request, error) {
	header := http.Header{"Content-Type": {typeForm}}
	var data []string
	for pair := range slices.Chunk(t.Args, 2) {
		switch flag, value := pair[0], pair[1]; flag {
		case "-d":
			data = append(data, value)
		case "--data-urlencode":
			name, text, _ := strings.Cut(value, "=")
			data = append(data, name+"="+url.QueryEscape(text))
		case "-u":
			header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(value)))
		case "-H":
			name, text, _ := strings.Cut(value, ": ")
			header.Set(name, text)
		default:
			return nil, fmt.Errorf("devauth: curl %s is not known here", flag)
		}
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, t.URL, strings.NewReader(strings.Join(data, "&")))
	if err != nil {
		return nil, err
	}
	r.Header = header
	return r, nil
}

// shellQuote quotes what a POSIX shell would not take as it is. Nothing is
// special between single quotes but the closing one.
func shellQuote(word string) string {
	special := strings.ContainsFunc(word, func(r rune) bool {
		return r < 0x80 && !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:=@%+,", r)
	})
	if !special {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
