package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/internal/jose"
	"github.com/sallyport-go/sallyport/internal/quote"
	"github.com/sallyport-go/sallyport/internal/setting"
	"github.com/sallyport-go/sallyport/jwks"
	"github.com/sallyport-go/sallyport/providers"
)

// gate returns the verifier that the flags and the environment describe. It has
// no cache. What no flag says is as [sallyport.FromEnv] reads it.
func (o *options) gate() (*sallyport.Gate, error) {
	fromEnv, err := o.fromEnv()
	if mistakes := o.mistakes(); mistakes != nil || err != nil && !fromEnv {
		return nil, errors.Join(mistakes, err)
	}
	cfg := sallyport.Config{}
	cfg.Keys.DangerouslyPlainHTTP = o.plainHTTP
	cfg.Verifier.CacheBytes = -1
	cfg.Verifier.MaxTokenBytes = o.maxBytes
	cfg.Verifier.Leeway = o.leeway
	if o.leeway == 0 {
		cfg.Verifier.Leeway = -1 // none was asked for
	}
	if !o.at.IsZero() {
		cfg.Verifier.Now = func() time.Time { return o.at }
	}
	o.apply(&cfg)
	if fromEnv {
		return sallyport.FromEnv(cfg)
	}
	for i := range o.trusted {
		p, err := o.trusted[i].provider()
		if err != nil {
			return nil, err
		}
		cfg.Providers = append(cfg.Providers, p)
	}
	setting.NameFetches(&cfg.Keys, o.names)
	gate, err := sallyport.Open(cfg)
	return gate, setting.Rename(err, "", o.names)
}

func (t *trusted) provider() (providers.Provider, error) {
	static, err := t.static()
	if static == nil || err != nil {
		return providers.Named(t.preset, t.settings), err
	}
	s := t.settings
	s.JWKSURL = "" // a file
	p := providers.Named(t.preset, s)
	for i := range p.Issuers {
		p.Issuers[i].Tokens.Keys = static
	}
	return p, nil
}

// static returns the key set of a file, nil if the keys are somewhere else.
func (t *trusted) static() (jwks.KeySet, error) {
	file := t.settings.JWKSURL
	if file == "" || t.keysFromEnv || strings.Contains(file, "://") {
		return nil, nil //nolint:nilnil // no file was named, and that is fine
	}
	data, err := readUpTo(file, maxInput)
	if err != nil {
		var at *fs.PathError
		if errors.As(err, &at) {
			err = at.Err // without the name, which is not always one
		}
		return nil, fmt.Errorf("-jwks %s: %w: give the file of a JWK Set, or a URL", quote.Text(file), err)
	}
	keys, err := jwks.ParseStatic(data)
	if _, ok := errors.AsType[*jose.Skipped](err); ok {
		return unusable{jwks.NewSnapshot(jwks.SnapshotConfig{}), err}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("-jwks %s: %w: save there what the issuer's jwks_uri answers", quote.Text(file), err)
	}
	return keys, nil
}

// readUpTo reads a file, which may be a device or a pipe without an end.
func readUpTo(name string, most int64) ([]byte, error) {
	f, err := os.Open(name) //nolint:gosec // G304: the file that the person at the flag named
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	data, err := io.ReadAll(io.LimitReader(f, most+1))
	if int64(len(data)) > most {
		return nil, fmt.Errorf("it holds more than %d bytes", most)
	}
	return data, err
}

// unusable is a set whose keys are all skipped. No token can be judged by it, as
// by one that was fetched.
type unusable struct {
	empty *jwks.Snapshot
	why   error
}

func (s unusable) Snapshot() *jwks.Snapshot { return s.empty }

func (s unusable) Refresh(context.Context, string) error { return s.why }
