package revocation_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/sallyport-go/sallyport/revocation"
)

func TestAnEntryWithdrawsWhatItNamesAndNothingElse(t *testing.T) {
	t.Parallel()
	later := noon.Add(time.Second)
	for name, row := range map[string]struct {
		entry revocation.Entry
		token says
		want  bool
	}{
		"the token with that id":                            {revocation.Token(issuer, "id-1", time.Time{}), nil, true},
		"not one with another id":                           {revocation.Token(issuer, "id-2", time.Time{}), nil, false},
		"not one whose id differs in case":                  {revocation.Token(issuer, "ID-1", time.Time{}), nil, false},
		"not one without an id":                             {revocation.Token(issuer, "id-1", time.Time{}), says{"jti": nil}, false},
		"not another issuer's token with that id":           {revocation.Token(issuer, "id-1", time.Time{}), says{"iss": "https://other.example/"}, false},
		"any issuer's token where the entry names none":     {revocation.Token("", "id-1", time.Time{}), says{"iss": "https://other.example/"}, true},
		"not another subject with that name as an id":       {revocation.Token("", "alice", time.Time{}), nil, false},
		"a subject's token of before":                       {revocation.Subject(issuer, "alice", later), nil, true},
		"not a subject's token of that very time":           {revocation.Subject(issuer, "alice", noon), nil, false},
		"not a subject's token of later":                    {revocation.Subject(issuer, "alice", noon.Add(-time.Second)), nil, false},
		"not another subject's":                             {revocation.Subject(issuer, "bob", later), nil, false},
		"not that subject of another issuer":                {revocation.Subject(issuer, "alice", later), says{"iss": "https://other.example/"}, false},
		"a subject's token that does not say when":          {revocation.Subject(issuer, "alice", noon), says{"iat": nil}, true},
		"a subject's token of whenever":                     {revocation.Subject(issuer, "alice", time.Time{}), nil, true},
		"a subject's token, by parts of a second":           {revocation.Subject(issuer, "alice", noon.Add(time.Millisecond)), nil, true},
		"not a client of the subject's name":                {revocation.Subject(issuer, "app", later), nil, false},
		"a client's token of before":                        {revocation.Client(issuer, "app", later), nil, true},
		"not a client's token of later":                     {revocation.Client(issuer, "app", noon), nil, false},
		"not another client's":                              {revocation.Client(issuer, "other", later), nil, false},
		"not that client of another issuer":                 {revocation.Client(issuer, "app", later), says{"iss": "https://other.example/"}, false},
		"not a subject of the client's name":                {revocation.Client(issuer, "alice", later), nil, false},
		"an issuer's token of before":                       {revocation.Issuer(issuer, later), nil, true},
		"not an issuer's token of later":                    {revocation.Issuer(issuer, noon), nil, false},
		"not another issuer's token":                        {revocation.Issuer(issuer, later), says{"iss": "https://other.example/"}, false},
		"not one of an issuer that is the same but a slash": {revocation.Issuer(issuer, later), says{"iss": "https://issuer.example"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, row.want, revoked(t, list(t, revocation.Config{}, row.entry), token(t, row.token)))
		})
	}
}

func TestAnEntryThatCouldMeanNothingOrTooMuchIsAnError(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		entry revocation.Entry
		want  string
	}{
		"nothing is named":               {revocation.Entry{}, "has no Issuer"},
		"a subject of no issuer":         {revocation.Subject("", "secret", noon), "has no Issuer"},
		"a client of no issuer":          {revocation.Client("", "secret", noon), "has no Issuer"},
		"a subject and a client":         {revocation.Entry{Issuer: issuer, Subject: "secret", Client: "secret"}, "more than one of"},
		"an id and a subject":            {revocation.Entry{Issuer: issuer, ID: "secret", Subject: "secret"}, "more than one of"},
		"an id, issued before some time": {revocation.Entry{Issuer: issuer, ID: "secret", Before: noon}, "an ID and Before"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := list(t, revocation.Config{})
			good := revocation.Token("", "good", time.Time{})
			for _, change := range []func() error{
				func() error { return l.Deny(t.Context(), good, row.entry) },
				func() error { return l.Replace(t.Context(), good, row.entry) },
				func() error { return l.Allow(t.Context(), row.entry) },
			} {
				err := change()
				assert.ErrorContains(t, err, row.want)
				assert.NotContains(t, err.Error(), "secret")
			}
			assert.Zero(t, l.Len(), "all or none")
		})
	}
}
