package devauth

import "slices"

// The access levels that a client may be granted.
const (
	levelGet    = "get"
	levelPost   = "post"
	levelPut    = "put"
	levelDelete = "delete"
)

var allLevels = []string{levelGet, levelPost, levelPut, levelDelete}

// The names that every scheme's clients go by.
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

// granted is what c may use of the levels asked for, in the table's order.
func (c Client) granted(asked []string) []string {
	var levels []string
	for _, l := range c.Levels {
		if slices.Contains(asked, l) {
			levels = append(levels, l)
		}
	}
	return levels
}
