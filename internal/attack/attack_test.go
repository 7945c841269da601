package attack_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestAStrictAPIHasNoFindings(t *testing.T) {
	t.Parallel()
	for _, alg := range []string{"RS256", "PS256", "ES256", "EdDSA"} {
		t.Run(alg, func(t *testing.T) {
			t.Parallel()
			begun := time.Now()
			report, err := newAPI(t, alg).attacked(t)
			assert.Empty(t, found(t, report, err))
			assert.Greater(t, report.Tried, 500)
			t.Log(report.Tried, time.Since(begun))
			for _, s := range report.Skipped {
				assert.Contains(t, s.Why, "no request can carry it", s.Name)
			}
		})
	}
}
