package jwks

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestMemoryKeepsWhatIsPut(t *testing.T) {
	t.Parallel()
	var m memory
	assert.Nil(t, m.get(1))
	m.put(1).until = at(30)
	assert.Equal(t, at(30), m.get(1).until)
	assert.Same(t, m.get(1), m.put(1))
	m.put(2)
	m.forget(1)
	assert.Nil(t, m.get(1))
	assert.NotNil(t, m.get(2))
	m.clear()
	assert.Nil(t, m.get(2))
}

func TestMemoryIsBoundedAndDropsTheOldest(t *testing.T) {
	t.Parallel()
	var m memory
	for kid := range kidHash(3 * memorySize) {
		m.put(kid)
		assert.LessOrEqual(t, len(m.entries), memorySize)
	}
	assert.Nil(t, m.get(2*memorySize-1))
	assert.NotNil(t, m.get(2*memorySize))
	assert.NotNil(t, m.get(3*memorySize-1))
}

func TestMemoryOfAKidThatCameBackOutlivesItsOldSlot(t *testing.T) {
	t.Parallel()
	var m memory
	m.put(1)
	m.forget(1)
	for kid := range kidHash(memorySize - 2) {
		m.put(kid + 10)
	}
	m.put(1) // in the last slot; the first is stale
	m.put(5000)
	assert.NotNil(t, m.get(1))
	m.clear()
	for kid := range kidHash(memorySize) {
		m.put(kid)
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
