// Command issuerkey writes the issuer's key for RS256 to a file, in PEM, for what cannot fetch a key set itself.
package main

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"log"
	"net/http"
	"os"

	"github.com/go-jose/go-jose/v4"
)

func main() {
	if err := write(os.Getenv("ISSUER")+"/jwks", os.Args[1]); err != nil {
		log.Fatal(err)
	}
}

func write(keys, file string) error {
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, keys, http.NoBody) //nolint:gosec // G704: the issuer that attacks
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req) //nolint:gosec // G704: so is this
	if err != nil {
		return err
	}
	defer res.Body.Close() //nolint:errcheck // it was read
	var set jose.JSONWebKeySet
	if err := json.NewDecoder(res.Body).Decode(&set); err != nil {
		return err
	}
	for i := range set.Keys {
		if key := &set.Keys[i]; key.Algorithm == string(jose.RS256) && key.Use == "sig" {
			der, err := x509.MarshalPKIXPublicKey(key.Key)
			if err != nil {
				return err
			}
			text := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
			return os.WriteFile(file, text, 0o644) //nolint:gosec // G306: a public key, read by a server that runs as nobody
		}
	}
	return errors.New("issuerkey: the issuer has no key for RS256")
}
