package revocation_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/revocation"
)

var (
	_ revocation.Sink   = (*revocation.List)(nil)
	_ revocation.Source = (*revocation.List)(nil)
	_ revocation.Source = (*revocation.File)(nil)
)

type answers struct {
	is  bool
	err error
}

func (a answers) Revoked(context.Context, *claims.Claims) (bool, error) { return a.is, a.err }

func TestOneSourceIsEnoughToWithdrawAToken(t *testing.T) {
	t.Parallel()
	down, alsoDown := errors.New("down"), errors.New("also down")
	knows := list(t, revocation.Config{}, revocation.Token("", "id-1", time.Time{}))
	for name, row := range map[string]struct {
		sources []revocation.Source
		want    answers
	}{
		"there is none":                     {nil, answers{}},
		"none knows it":                     {[]revocation.Source{answers{}, answers{}}, answers{}},
		"the last one knows it":             {[]revocation.Source{answers{}, knows}, answers{is: true}},
		"one knows it and another is down":  {[]revocation.Source{answers{err: down}, knows}, answers{is: true}},
		"none knows it and one is down":     {[]revocation.Source{answers{err: down}, answers{}}, answers{err: down}},
		"the first that is down is named":   {[]revocation.Source{answers{}, answers{err: down}, answers{err: alsoDown}}, answers{err: down}},
		"an answer beside an error is none": {[]revocation.Source{answers{true, down}}, answers{err: down}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ask := revocation.Any(row.sources...)
			clear(row.sources) // they were copied
			is, err := ask(t.Context(), token(t, nil))
			assert.Equal(t, row.want, answers{is, err})
		})
	}
	_, err := revocation.Any(nil, knows)(t.Context(), token(t, nil))
	assert.EqualError(t, err, "revocation: a source is nil")
}
