package setting_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/sallyport-go/sallyport/internal/setting"
)

func TestFingerprintDiffersWithAnyDifference(t *testing.T) {
	t.Parallel()
	type inner struct{ Names []string }
	type plain struct {
		_    [0]func()
		Text string
		Wait time.Duration
		List []inner
		Map  map[string]string
	}
	base := func() plain {
		return plain{Text: "a", Wait: time.Second, List: []inner{{[]string{"a", "b"}}}, Map: map[string]string{"x": "1", "y": "2"}}
	}
	seen := map[any]string{setting.Fingerprint(base()): "base"}
	assert.Contains(t, seen, any(setting.Fingerprint(base())), "equal values have one")
	for name, change := range map[string]func(*plain){
		"another text":       func(p *plain) { p.Text = "b" },
		"a quotation mark":   func(p *plain) { p.Text = `a", Wait:` },
		"another duration":   func(p *plain) { p.Wait++ },
		"names joined":       func(p *plain) { p.List[0].Names = []string{`a", "b`} },
		"another order":      func(p *plain) { p.List[0].Names = []string{"b", "a"} },
		"one name less":      func(p *plain) { p.List[0].Names = []string{"a"} },
		"no list":            func(p *plain) { p.List = nil },
		"an empty list":      func(p *plain) { p.List = []inner{} },
		"another value":      func(p *plain) { p.Map["x"] = "2" },
		"another member":     func(p *plain) { p.Map["z"] = "1" },
		"no map":             func(p *plain) { p.Map = nil },
		"names in two lists": func(p *plain) { p.List = []inner{{[]string{"a"}}, {[]string{"b"}}} },
	} {
		p := base()
		change(&p)
		f := setting.Fingerprint(p)
		assert.Empty(t, seen[f], name)
		seen[f] = name
	}
}
