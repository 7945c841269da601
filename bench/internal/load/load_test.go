package load_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/bench/internal/load"
	"github.com/sallyport-go/sallyport/bench/internal/measure"
)

func TestEveryVariantIsMeasured(t *testing.T) {
	t.Parallel()
	var r measure.Results
	require.NoError(t, load.Measure(t.Context(), &r, 2, 50*time.Millisecond))
	for _, variant := range load.Variants {
		s := r.At(load.Group, variant.Name("request"))
		assert.Len(t, s.Rounds, 2)
		assert.Positive(t, s.Median())
		assert.LessOrEqual(t, r.At(load.Group, variant.Name("p50")).Median(), r.At(load.Group, variant.Name("p99")).Median())
	}
}

func TestAnAnswerOtherThan200IsNoResult(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(s.Close)
	_, err := load.Run(t.Context(), s.URL, 10*time.Millisecond, []string{"any"})
	assert.ErrorContains(t, err, "404")
}
