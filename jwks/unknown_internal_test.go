package jwks

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// spending is a budget of one fetch in 10 s, from which one was taken at each of
// these moments.
func spending(moments ...float64) *budget {
	b := &budget{every: 10 * time.Second}
	for _, m := range moments {
		b.take(at(m))
	}
	return b
}

func TestBudgetIsABurstRefilledOneAtATime(t *testing.T) {
	type row struct {
		b    *budget
		now  float64
		left int
	}
	each(t, map[string]row{
		"full at first":                            {spending(), 0, 5},
		"each takes one":                           {spending(0, 1, 2), 3, 2},
		"the first comes back after an interval":   {spending(0, 1, 2), 10, 3},
		"not a moment earlier":                     {spending(0, 1, 2), 9.9, 2},
		"the second an interval later":             {spending(0, 1, 2), 20, 4},
		"and no more than there were":              {spending(0, 1, 2), 1e6, 5},
		"none is left":                             {spending(0, 1, 2, 3, 4), 9, 0},
		"what is taken from nothing is not owed":   {spending(0, 1, 2, 3, 4, 5, 6), 10, 1},
		"time in which it was full is not saved":   {spending(1000, 1001), 1009, 3},
		"a unit on its way is not lost by a taker": {spending(0, 9), 10, 4},
	}, func(t *testing.T, row row) {
		assert.Equal(t, row.left, row.b.left(at(row.now)))
	})
}

func TestBudgetSaysWhenThereIsOne(t *testing.T) {
	t.Parallel()
	assert.Zero(t, spending(0, 1, 2, 3).next())
	b := spending(0, 1, 2, 3, 4)
	assert.Equal(t, at(10), b.next())
	b.take(at(10))
	assert.Equal(t, at(20), b.next())
	b.refund()
	assert.Zero(t, b.next())
	assert.Equal(t, 1, b.left(at(19)), "a refund moves nothing")
	assert.Equal(t, 2, b.left(at(20)))
	for range 10 {
		b.refund()
	}
	assert.Equal(t, 5, b.left(at(20)))
}

func TestBudgetWithoutAnIntervalHasNoEnd(t *testing.T) {
	t.Parallel()
	var b budget
	for range 100 {
		b.take(at(0))
	}
	assert.Equal(t, 5, b.left(at(0)))
	assert.Zero(t, b.next())
}

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
