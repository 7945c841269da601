package jwks

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestLifetimeOfOddDirectives(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		line   string
		want   time.Duration
		stated bool
	}{
		"nothing is read behind no-store":           {"no-store, max-age=600, private", 0, true},
		"an escape outside of quotes is none":       {`x\, max-age=600`, 10 * time.Minute, true},
		"a quote at the end only":                   {`max-age=60"`, 0, false},
		"a quote at the beginning only":             {`max-age="60`, 0, false},
		"a single quote sign":                       {`max-age="`, 0, false},
		"quotes with nothing between":               {`max-age=""`, 0, false},
		"commas with nothing between are no matter": {",, ,max-age=600,,", 10 * time.Minute, true},
	} {
		got, stated := lifetime(http.Header{"Cache-Control": {row.line}})
		assert.Equal(t, row.want, got, name)
		assert.Equal(t, row.stated, stated, name)
	}
}

func TestPolicyWhileAFetchIsInFlight(t *testing.T) {
	t.Parallel()
	p := failing() // tries again at 903
	assert.Equal(t, unavailable, p.ask(misses(p, kidB, 902.5)), "nothing is under way")
	p.begin(at(902.6)) // earlier than due, because somebody asked for it
	assert.Equal(t, wait, p.ask(misses(p, kidB, 902.7)), "what is in flight may bring the key")

	p = loaded() // due at 900
	p.begin(at(10))
	assert.Equal(t, time.Second, p.retryAfter(at(11)), "the answer is on its way, not a quarter of an hour off")

	p = newPolicy()
	q := question{now: at(1), kid: kidA, named: true, waited: true}
	assert.Equal(t, unavailable, p.ask(q), "who has waited for a fetch that brought nothing does not wait for another")
}

func TestAKidThatIsWantedDoesNotPutAScheduledFetchOff(t *testing.T) {
	t.Parallel()
	p := cooling() // until 40, due at 910
	p.due = at(20)
	p.ask(misses(p, kidC, 15))
	assert.Equal(t, at(20), p.next(), "the fetch by schedule comes first, and brings what is wanted")
}
