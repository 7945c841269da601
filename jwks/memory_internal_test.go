package jwks

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestMemoryHoldsUntilItsTime(t *testing.T) {
	t.Parallel()
	var m memory
	assert.False(t, m.has(1, at(0)))
	m.remember(1, at(30))
	m.remember(2, time.Time{})
	assert.True(t, m.has(1, at(29)))
	assert.False(t, m.has(1, at(30)))
	assert.True(t, m.has(2, at(1e9)), "until it is pushed out")
	m.remember(1, at(60))
	assert.True(t, m.has(1, at(30)), "again, for longer")
	m.forget(1)
	assert.False(t, m.has(1, at(29)))
	m.clear()
	assert.False(t, m.has(2, at(0)))
}

func TestMemoryIsBoundedAndDropsTheOldest(t *testing.T) {
	t.Parallel()
	var m memory
	for kid := range kidHash(3 * memorySize) {
		m.remember(kid, time.Time{})
		assert.LessOrEqual(t, len(m.entries), memorySize)
	}
	assert.False(t, m.has(2*memorySize-1, at(0)))
	assert.True(t, m.has(2*memorySize, at(0)))
	assert.True(t, m.has(3*memorySize-1, at(0)))
}

func TestMemoryOfAKidThatCameBackOutlivesItsOldSlot(t *testing.T) {
	t.Parallel()
	var m memory
	m.remember(1, time.Time{})
	m.forget(1)
	for kid := range kidHash(memorySize - 2) {
		m.remember(kid+10, time.Time{})
	}
	m.remember(1, time.Time{}) // in the last slot; the first is stale
	m.remember(5000, time.Time{})
	assert.True(t, m.has(1, at(0)))
	m.clear()
	for kid := range kidHash(memorySize) {
		m.remember(kid, time.Time{})
	}
	assert.Len(t, m.entries, memorySize)
}

func TestKidSetIsBounded(t *testing.T) {
	t.Parallel()
	var s kidSet
	for kid := range kidHash(2 * memorySize) {
		s.add(kid)
	}
	assert.Len(t, s, memorySize)
	assert.True(t, s.has(0))
	assert.False(t, s.has(2*memorySize-1))
}
