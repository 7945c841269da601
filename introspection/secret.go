package introspection

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
)

// Secret returns a secret, each time that it is needed: one that was rotated is
// used from then on. It must be safe for concurrent use. Its errors are logged.
type Secret func(ctx context.Context) (string, error)

// Fixed returns a Secret that stays as it is.
func Fixed(secret string) Secret {
	return func(context.Context) (string, error) {
		if secret == "" {
			return "", errors.New("introspection: the secret is empty")
		}
		return secret, nil
	}
}

// File returns the Secret in a file, less the line end after it. The file is read
// with each question, so that it may be replaced at any time. While it is missing
// or empty nothing is asked, and tokens that need an answer get a 503.
func File(path string) Secret {
	return func(context.Context) (string, error) {
		text, err := readFile(path)
		if err != nil {
			return "", err
		}
		secret := strings.TrimRight(string(text), "\r\n")
		if secret == "" || strings.ContainsAny(secret, "\r\n\x00") {
			return "", fmt.Errorf("introspection: %s does not hold one line with a secret", path)
		}
		return secret, nil
	}
}

// maxFile is how much a file of credentials may hold, in bytes.
const maxFile = 64 << 10

func readFile(path string) ([]byte, error) {
	f, err := os.Open(path) //nolint:gosec // G304: a path of the configuration
	if err != nil {
		return nil, fmt.Errorf("introspection: credentials: %w", err)
	}
	defer func() { _ = f.Close() }()
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("introspection: credentials: %w", err)
	}
	if len(text) > maxFile {
		return nil, fmt.Errorf("introspection: credentials: %s has more than %d KiB", path, maxFile>>10)
	}
	return text, nil
}

// fromFiles returns what parse makes of files, which is made anew when their
// content has changed.
func fromFiles[T any](parse func(texts [][]byte) (T, error), paths ...string) func(context.Context) (T, error) {
	var mu sync.Mutex
	var last [][]byte
	var made T
	return func(context.Context) (T, error) {
		var zero T
		texts := make([][]byte, len(paths))
		for i, path := range paths {
			text, err := readFile(path)
			if err != nil {
				return zero, err
			}
			texts[i] = text
		}
		mu.Lock()
		defer mu.Unlock()
		if last != nil && same(last, texts) {
			return made, nil
		}
		fresh, err := parse(texts)
		if err != nil {
			return zero, fmt.Errorf("introspection: credentials: %s: %w", strings.Join(paths, ", "), err)
		}
		last, made = texts, fresh
		return made, nil
	}
}

func same(a, b [][]byte) bool {
	for i := range a {
		if !bytes.Equal(a[i], b[i]) {
			return false
		}
	}
	return true
}

// CertificateFiles returns what [Certificate] needs from two PEM files, which may
// be replaced at any time.
func CertificateFiles(certificate, key string) func(context.Context) (*tls.Certificate, error) {
	return fromFiles(func(texts [][]byte) (*tls.Certificate, error) {
		pair, err := tls.X509KeyPair(texts[0], texts[1])
		return &pair, err
	}, certificate, key)
}
