package directory

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestBudgetIsABurstRefilledOneAtATime(t *testing.T) {
	t.Parallel()
	b, now := budget{burst: 2, every: 10 * time.Second}, time.Now()
	assert.True(t, b.take(now))
	assert.True(t, b.take(now.Add(4*time.Second)))
	assert.False(t, b.take(now.Add(9*time.Second)))
	assert.Equal(t, time.Second, b.next(now.Add(9*time.Second)))
	assert.True(t, b.take(now.Add(10*time.Second)))
	assert.False(t, b.take(now.Add(19*time.Second)))
	b.refund()
	assert.True(t, b.take(now.Add(19*time.Second)))
	for range 5 {
		b.refund()
	}
	later := now.Add(time.Hour)
	assert.True(t, b.take(later))
	assert.True(t, b.take(later))
	assert.False(t, b.take(later), "no more than the burst is saved")
}
