package claims

import (
	"fmt"
	"io"
	"log/slog"
)

// Value receivers, so that a dereferenced copy keeps its secrets too.

const redacted = "claims.Claims{redacted}"

// String shows that these are claims, and none of them.
func (Claims) String() string { return redacted }

// GoString is String, for %#v.
func (Claims) GoString() string { return redacted }

// Format prints String for every verb and flag.
func (Claims) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// LogValue logs String.
func (Claims) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalJSON marshals String.
func (Claims) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }
