package jwks

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestLifetime(t *testing.T) {
	type row struct {
		lines  []string
		age    string
		want   time.Duration
		stated bool
	}
	each(t, map[string]row{
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
		"nothing is read behind no-store":       {[]string{"no-store, max-age=600, private"}, "", 0, true},
		"an escape outside of quotes is none":   {[]string{`x\, max-age=600`}, "", 10 * time.Minute, true},
		"a quote at the end only":               {[]string{`max-age=60"`}, "", 0, false},
		"a quote at the beginning only":         {[]string{`max-age="60`}, "", 0, false},
		"a single quote sign":                   {[]string{`max-age="`}, "", 0, false},
		"quotes with nothing between":           {[]string{`max-age=""`}, "", 0, false},
		"commas with nothing between":           {[]string{",, ,max-age=600,,"}, "", 10 * time.Minute, true},
	}, func(t *testing.T, row row) {
		h := http.Header{"Cache-Control": row.lines}
		if row.age != "" {
			h.Set("Age", row.age)
		}
		d, stated := lifetime(h)
		assert.Equal(t, row.want, d)
		assert.Equal(t, row.stated, stated)
	})
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
