package jwks

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestLifetime(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		lines  []string
		age    string
		want   time.Duration
		stated bool
	}{
		"nothing":                               {nil, "", 0, false},
		"an Age alone says nothing":             {nil, "10", 0, false},
		"max-age":                               {[]string{"max-age=600"}, "", 10 * time.Minute, true},
		"names are case-insensitive":            {[]string{"Public, MAX-AGE=600"}, "", 10 * time.Minute, true},
		"an argument may be quoted":             {[]string{`max-age="600"`}, "", 10 * time.Minute, true},
		"less its Age":                          {[]string{"max-age=600"}, "100", 500 * time.Second, true},
		"an Age beyond it leaves nothing":       {[]string{"max-age=600"}, "900", 0, true},
		"an illegible Age does not count":       {[]string{"max-age=600"}, "-5", 10 * time.Minute, true},
		"zero":                                  {[]string{"max-age=0"}, "", 0, true},
		"no-store":                              {[]string{"no-store"}, "", 0, true},
		"no-cache beats max-age":                {[]string{"max-age=600, no-cache"}, "", 0, true},
		"no-cache on a line of its own":         {[]string{"max-age=600", "no-cache"}, "", 0, true},
		"the smallest of several":               {[]string{"max-age=900, max-age=600, max-age=700"}, "", 10 * time.Minute, true},
		"a shared cache's lifetime is not ours": {[]string{"s-maxage=5, max-age=600"}, "", 10 * time.Minute, true},
		"a comma inside quotes":                 {[]string{`private="a, max-age=1", max-age=600`}, "", 10 * time.Minute, true},
		"an escaped quote inside quotes":        {[]string{`x="a\", max-age=1", max-age=600`}, "", 10 * time.Minute, true},
		"quotes that never close":               {[]string{`x="a, max-age=600`}, "", 0, false},
		"spaces around":                         {[]string{" max-age = 600 , x"}, "", 10 * time.Minute, true},
		"negative":                              {[]string{"max-age=-1"}, "", 0, false},
		"an exponent":                           {[]string{"max-age=1e12"}, "", 0, false},
		"a fraction":                            {[]string{"max-age=1.5"}, "", 0, false},
		"empty":                                 {[]string{"max-age="}, "", 0, false},
		"without an argument":                   {[]string{"max-age"}, "", 0, false},
		"beyond any number":                     {[]string{"max-age=" + strings.Repeat("9", 400)}, "", longest, true},
		"beyond a duration":                     {[]string{"max-age=1000000000000"}, "", longest, true},
		"commas alone":                          {[]string{",,,"}, "", 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := http.Header{"Cache-Control": row.lines}
			if row.age != "" {
				h.Set("Age", row.age)
			}
			d, stated := lifetime(h)
			assert.Equal(t, row.want, d)
			assert.Equal(t, row.stated, stated)
		})
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	for value, want := range map[string]time.Duration{
		"":                              0,
		"7":                             7 * time.Second,
		"-7":                            0,
		"soon":                          0,
		"Thu, 01 Jan 2026 12:00:30 GMT": 30 * time.Second,
		"Thu, 01 Jan 2026 11:00:00 GMT": 0,
		"Fri, 01 Jan 9999 11:00:00 GMT": longest,
	} {
		assert.Equal(t, want, retryAfter(http.Header{"Retry-After": {value}}, now), "%q", value)
	}
}

func TestInterval(t *testing.T) {
	t.Parallel()
	usual := schedule{usual: 15 * time.Minute, least: time.Minute, most: 24 * time.Hour, staleness: 48 * time.Hour}
	for name, row := range map[string]struct {
		bounds   schedule
		lifetime time.Duration
		stated   bool
		jitter   float64
		want     time.Duration
	}{
		"the usual":                     {usual, 0, false, 0, 15 * time.Minute},
		"ahead of it by up to a tenth":  {usual, 0, false, 1, 810 * time.Second},
		"the server's word":             {usual, time.Hour, true, 0, time.Hour},
		"not less than the lower bound": {usual, 0, true, 0, time.Minute},
		"where the spread goes upwards": {usual, 0, true, 1, 66 * time.Second},
		"just above it too":             {usual, 62 * time.Second, true, 1, 64200 * time.Millisecond},
		"not more than the upper bound": {usual, longest, true, 0, 24 * time.Hour},
		"half the staleness at most":    {schedule{usual.usual, usual.least, usual.most, time.Hour}, longest, true, 0, 30 * time.Minute},
		"even below the lower bound":    {schedule{usual.usual, usual.least, usual.most, time.Minute}, 0, false, 0, 30 * time.Second},
		"bounds that meet":              {schedule{time.Second, time.Second, time.Second, time.Hour}, time.Hour, true, 1, time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, row.want, row.bounds.interval(row.lifetime, row.stated, row.jitter))
		})
	}
}

func FuzzCacheControl(f *testing.F) {
	for _, seed := range []string{"max-age=600", `private="a, b", max-age="5"`, `x="\`, "no-store,,", "max-age=99999999999999999999", "=", "\"", "max-age==5"} {
		f.Add(seed, "5")
	}
	f.Fuzz(func(t *testing.T, line, age string) {
		d, stated := lifetime(http.Header{"Cache-Control": {line}, "Age": {age}})
		if d < 0 || d > longest || !stated && d != 0 {
			t.Fatalf("%q, age %q: %v %v", line, age, d, stated)
		}
		if got := (schedule{15 * time.Minute, time.Minute, time.Hour, 24 * time.Hour}).interval(d, stated, 0.5); got < time.Minute || got > time.Hour {
			t.Fatalf("%q: refresh in %v", line, got)
		}
	})
}
