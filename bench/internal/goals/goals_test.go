package goals_test

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/bench/internal/cases"
	"github.com/sallyport-go/sallyport/bench/internal/goals"
	"github.com/sallyport-go/sallyport/bench/internal/load"
	"github.com/sallyport-go/sallyport/bench/internal/measure"
)

func TestAGoalIsMissedBeyondItsLimitOnly(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		goal    goals.Goal
		missed  bool
		verdict string
	}{
		"at the limit":        {goals.Goal{Got: 1.2, Limit: 1.2}, false, "holds"},
		"beyond the limit":    {goals.Goal{Got: 1.21, Limit: 1.2}, true, "MISSED"},
		"too little":          {goals.Goal{Got: 24, Limit: 25, AtLeast: true}, true, "MISSED"},
		"enough":              {goals.Goal{Got: 26, Limit: 25, AtLeast: true}, false, "holds"},
		"nothing measured":    {goals.Goal{Got: math.NaN(), Limit: 1}, true, "MISSED"},
		"nothing, at least":   {goals.Goal{Got: math.NaN(), Limit: 1, AtLeast: true}, true, "MISSED"},
		"not on this machine": {goals.Goal{Got: 3, Limit: 1, Waived: "no SHA instructions"}, false, "not judged: no SHA instructions"},
	} {
		assert.Equal(t, row.missed, row.goal.Missed(), name)
		assert.Equal(t, row.verdict, row.goal.Verdict(), name)
	}
}

// TestEveryGoalHasItsFigures: a goal about a case that is not measured would panic in `make bench-check`.
func TestEveryGoalHasItsFigures(t *testing.T) {
	var r measure.Results
	for _, g := range cases.Groups() {
		r.Group(cases.Group{Name: g.Name, Open: func() ([]cases.Case, func()) {
			list, closeGroup := g.Open()
			for i := range list { // the names alone matter here
				list[i].Prepare, list[i].Run = nil, func(n int) {
					for end := time.Now().Add(time.Duration(n) * 100 * time.Nanosecond); time.Now().Before(end); {
					}
				}
			}
			return list, closeGroup
		}}, measure.Plan{Rounds: 1, Turns: 1, Slice: 20 * time.Microsecond})
	}
	require.NoError(t, load.Measure(t.Context(), &r, 1, 20*time.Millisecond))
	list := goals.Judge(&r)
	assert.Greater(t, len(list), 50)
	seen := map[string]bool{}
	for i := range list {
		g := &list[i]
		assert.False(t, math.IsNaN(g.Got), g.Name)
		assert.False(t, seen[g.Name], "%s is there twice", g.Name)
		seen[g.Name] = true
		assert.NotEmpty(t, append(r.Of(g.Group), nil)[0], g.Name)
	}
}
