package directory

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestMemoryIsBounded(t *testing.T) {
	t.Parallel()
	m, now := newMemory(), time.Now()
	for i := range memorySize + 100 {
		m.put(fmt.Sprint(i), &remembered{unknown: true}, now, time.Minute)
		assert.LessOrEqual(t, len(m.why), memorySize)
	}
	r, until := m.of(fmt.Sprint(memorySize+99), now)
	assert.ErrorIs(t, r.refusal(0), ErrUnknown)
	assert.Equal(t, now.Add(time.Minute), until)
	later := now.Add(time.Minute)
	r, _ = m.of(fmt.Sprint(memorySize+99), later)
	assert.Nil(t, r, "no longer")
	m.put("next", &remembered{err: errors.New("x")}, later, time.Minute)
	assert.Len(t, m.why, 1, "what is over makes room")
	m.forget("next")
	assert.Empty(t, m.why)
}
