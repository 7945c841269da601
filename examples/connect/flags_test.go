package main

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/examples/internal/trust"
)

func TestFlags(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		args string
		want []trust.Issuer
		errs []string
	}{
		{"-issuer A -audience x -audience y -issuer B -audience z", []trust.Issuer{{Name: "A", Audiences: []string{"x", "y"}}, {Name: "B", Audiences: []string{"z"}}}, nil},
		{"-issuer A -issuer B -audience x", []trust.Issuer{{Name: "A", Audiences: []string{"x"}}, {Name: "B", Audiences: []string{"x"}}}, nil},
		{"-audience x -issuer A -issuer B -audience y", []trust.Issuer{{Name: "A", Audiences: []string{"x", "y"}}, {Name: "B", Audiences: []string{"x", "y"}}}, nil},
		{"", nil, []string{"no -issuer"}},
		{"-audience x", nil, []string{"no -issuer"}},
		{"-issuer A -audience x -issuer B", nil, []string{"-issuer B has no audience"}},
		{"-issuer A -audience x more", nil, []string{`unexpected argument "more"`}},
		{"-isuer A", nil, []string{"-isuer"}},
		{"-issuer=", nil, []string{"it is empty"}},
		{"-issuer A -audience=", nil, []string{"it is empty"}},
	} {
		t.Run(row.args, func(t *testing.T) {
			t.Parallel()
			cfg, err := parse(strings.Fields(row.args), io.Discard)
			if row.errs == nil {
				require.NoError(t, err)
				assert.Equal(t, config{addr: "127.0.0.1:8088", issuers: row.want}, cfg)
				return
			}
			var stderr bytes.Buffer
			assert.Equal(t, exitUsage, run(t.Context(), strings.Fields(row.args), io.Discard, &stderr))
			for _, mistake := range row.errs {
				require.ErrorContains(t, err, mistake)
				assert.Contains(t, stderr.String(), mistake)
			}
		})
	}
	var help bytes.Buffer
	assert.Equal(t, exitOK, run(t.Context(), []string{"-h"}, &help, io.Discard))
	for _, name := range []string{"-addr", "-issuer", "-audience", "-end-at-expiry"} {
		assert.Contains(t, help.String(), name)
	}
}
