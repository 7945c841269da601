//go:build slow

package attack_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/internal/attack"
	"github.com/sallyport-go/sallyport/internal/forgeries"
)

func TestAnAPIThatFollowsItsIssuerWithstandsEveryFault(t *testing.T) {
	t.Parallel()
	f := newFollower(t, &follower{})
	report, err := f.attacked(t, 0)
	assert.Empty(t, found(t, report, err))
	assert.Equal(t, 10, report.Tried)
	assert.Equal(t, []attack.Skipped{{Name: "faults: a cold start while the issuer is away", Why: "no command was given that could start the API again"}}, report.Skipped)
}

func TestAnAPIThatIsWeakWithItsIssuerIsCaughtForThat(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name  string
		api   *follower
		want  []string
		level forgeries.Level
	}{
		{
			"keys are fetched once", &follower{never: true},
			[]string{"a rotation that was announced", "a rotation that was not announced", "a rotation that was rolled back", "a stray kid before a rotation"},
			forgeries.Outage,
		},
		{"keys are never dropped", &follower{adds: true}, []string{"the key that was withdrawn"}, forgeries.Hole},
		{
			"keys are fetched for each call", &follower{always: true},
			[]string{"a huge key set", "a key set that is no JSON", "an issuer that hangs", "an outage"},
			forgeries.Outage,
		},
		{"whoever comes during an outage gets in", &follower{open: true}, []string{"a huge key set", "a key set that is no JSON", "an empty key set", "an outage"}, forgeries.Hole},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			report, err := newFollower(t, row.api).attacked(t, 3*time.Second)
			require.NoError(t, err)
			var names []string
			for _, f := range report.Findings {
				names = append(names, strings.TrimPrefix(f.Name, "faults: "))
				assert.Equal(t, row.level, f.Level, f.Name)
				assert.Equal(t, "faults", f.Group)
				assert.NotEmpty(t, f.URL)
			}
			assert.Equal(t, row.want, names)
		})
	}
}

func TestWhatComesBehindAFaultThatBrokeTheAPIIsNotTried(t *testing.T) {
	t.Parallel()
	report, err := newFollower(t, &follower{breaks: true}).attacked(t, time.Second)
	names := found(t, report, err)
	assert.Equal(t, []string{"faults: an outage"}, names)
	require.Len(t, report.Skipped, 5)
	for _, s := range report.Skipped {
		if s.Name != "faults: a cold start while the issuer is away" {
			assert.Equal(t, "the API had not recovered from the fault before", s.Why, s.Name)
		}
	}
}
