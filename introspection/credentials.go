package introspection

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/sallyport-go/sallyport/internal/setting"
)

// Credentials say to an introspection endpoint who asks. They are made by [Basic],
// [Post], [PrivateKeyJWT], [Certificate] or [Bearer], are safe for concurrent use,
// and print as nothing. The zero value is refused.
//
// RFC 7662 section 2.1: https://www.rfc-editor.org/rfc/rfc7662#section-2.1
type Credentials struct {
	clientID string
	missing  string // what New says; "" for nothing
	// add adds them to a question.
	add func(ctx context.Context, q *question) error
	// certificate is for the TLS handshake; nil: none.
	certificate func(context.Context) (*tls.Certificate, error)
}

// question is a request that is made.
type question struct {
	header http.Header
	form   url.Values
	issuer string
}

// Basic is a client id and a secret in the Authorization header.
//
// RFC 6749 section 2.3.1: https://www.rfc-editor.org/rfc/rfc6749#section-2.3.1
func Basic(clientID string, secret Secret) Credentials {
	c := ofClient(clientID, secret == nil)
	c.add = func(ctx context.Context, q *question) error {
		text, err := secret(ctx)
		if err != nil {
			return err
		}
		pair := url.QueryEscape(clientID) + ":" + url.QueryEscape(text)
		q.header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(pair)))
		return nil
	}
	return c
}

// Post is a client id and a secret in the form. Basic is the better choice where
// the issuer takes both.
//
// RFC 6749 section 2.3.1: https://www.rfc-editor.org/rfc/rfc6749#section-2.3.1
func Post(clientID string, secret Secret) Credentials {
	c := ofClient(clientID, secret == nil)
	c.add = func(ctx context.Context, q *question) error {
		text, err := secret(ctx)
		if err != nil {
			return err
		}
		q.form.Set("client_id", clientID)
		q.form.Set("client_secret", text)
		return nil
	}
	return c
}

// Certificate is a client id and the certificate of the TLS connection. It is
// asked for with each handshake, so that a new one is used as connections end.
// [CertificateFiles] reads one from files.
//
// RFC 8705 section 2: https://www.rfc-editor.org/rfc/rfc8705#section-2
func Certificate(clientID string, certificate func(context.Context) (*tls.Certificate, error)) Credentials {
	c := ofClient(clientID, certificate == nil)
	c.certificate = certificate
	c.add = func(_ context.Context, q *question) error {
		q.form.Set("client_id", clientID)
		return nil
	}
	return c
}

// Bearer is an access token for the endpoint itself.
//
// RFC 7662 section 2.1: https://www.rfc-editor.org/rfc/rfc7662#section-2.1
func Bearer(token Secret) Credentials {
	c := Credentials{}
	if token == nil {
		c.missing = "Credentials have no token"
	}
	c.add = func(ctx context.Context, q *question) error {
		text, err := token(ctx)
		if err != nil {
			return err
		}
		q.header.Set("Authorization", "Bearer "+text)
		return nil
	}
	return c
}

// DangerouslyNone asks without credentials, for an endpoint that is closed to
// strangers in another way, such as the admin port of Ory Hydra: an open endpoint
// lets anybody try tokens.
//
// RFC 7662 section 4: https://www.rfc-editor.org/rfc/rfc7662#section-4
func DangerouslyNone() Credentials {
	return Credentials{add: func(context.Context, *question) error { return nil }}
}

func ofClient(clientID string, lacking bool) Credentials {
	c := Credentials{clientID: clientID}
	switch {
	case clientID == "":
		c.missing = "Credentials have no client id"
	case setting.Flaw(clientID) != "":
		c.missing = "Credentials have a client id that " + setting.Flaw(clientID)
	case lacking:
		c.missing = "Credentials have no secret, key or certificate"
	}
	return c
}

func (c Credentials) validate(cfg Config) []error {
	var problems []error
	switch {
	case c.add == nil:
		problems = append(problems, errors.New("Credentials are missing: an introspection endpoint asks who asks"))
	case c.missing != "":
		problems = append(problems, errors.New(c.missing))
	}
	if cfg.Signed && c.add != nil && c.clientID == "" {
		problems = append(problems, errors.New("Signed answers are for a client id, and Credentials have none"))
	}
	if c.certificate != nil && cfg.Client != nil {
		if _, ok := cfg.Client.Transport.(*http.Transport); !ok {
			problems = append(problems, errors.New("Client has no *http.Transport, which could use the certificate of Credentials"))
		}
	}
	return problems
}

// Format prints nothing of them, whatever the verb.
func (Credentials) Format(s fmt.State, _ rune) {
	_, _ = io.WriteString(s, "introspection.Credentials{redacted}")
}
