package dpop

import (
	"bytes"
	"testing"
	"time"
)

func TestOwnSecretsChangeAndStayForAWhile(t *testing.T) {
	t.Parallel()
	now := time.Now()
	s := &ownSecrets{now: func() time.Time { return now }}
	get := func() [][]byte { list, _ := s.Secrets(t.Context()); return list }
	first := get()
	if len(first) != 1 || len(first[0]) != 32 || &get()[0][0] != &first[0][0] {
		t.Fatal("it begins with one secret, and keeps it")
	}
	now = now.Add(time.Hour)
	second := get()
	if len(second) != 2 || bytes.Equal(second[0], first[0]) || !bytes.Equal(second[1], first[0]) {
		t.Fatal("an hour later there is a new one, and the old one behind it")
	}
	now = now.Add(3 * time.Hour)
	if third := get(); len(third) != 1 || bytes.Equal(third[0], second[0]) {
		t.Fatal("one that is older than two hours is gone")
	}
}
