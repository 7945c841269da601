package main

import "sync/atomic"

// tally counts answers by whether they were as promised.
type tally struct {
	kept, broken atomic.Int64
}

// note counts one answer, and says whether it was as promised.
func (t *tally) note(differences []string) bool {
	if len(differences) > 0 {
		t.broken.Add(1)
		return false
	}
	t.kept.Add(1)
	return true
}

func (t *tally) differ() int64 { return t.broken.Load() }
