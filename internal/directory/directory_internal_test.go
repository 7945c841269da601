package directory

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
)

// A sweep that was begun when End came leaves the values to Close, which may have come
// and gone.
func TestASweepBehindTheEndLeavesTheValuesToClose(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var inUse []bool
		d := New(Config[string]{
			Limits:    Limits{MaxEntries: 1, MaxIdle: time.Minute, GoodFor: time.Hour, UnknownFor: time.Minute, FailedFor: time.Minute, Timeout: time.Second, Burst: 1, Every: time.Second},
			Find:      func(_ context.Context, name, _ string, _ *Lease) (string, error) { return name, nil },
			IsUnknown: func(error) bool { return false },
			Close:     func(_ string, was bool) { inUse = append(inUse, was) },
		})
		_, err := d.Find(t.Context(), "a")
		assert.NoError(t, err)
		d.End()
		time.Sleep(time.Hour)
		d.sweep()
		assert.Empty(t, inUse)
		assert.Equal(t, 1, d.Len())
		d.Close()
		assert.Equal(t, []bool{false}, inUse)
	})
}
