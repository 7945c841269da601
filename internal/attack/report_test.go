package attack_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/internal/attack"
	"github.com/sallyport-go/sallyport/internal/forgeries"
)

func sample() *attack.Report {
	return &attack.Report{
		API: "http://127.0.0.1:1/a|b", Tried: 10,
		Findings: []attack.Finding{
			{Name: "alg none: \"none\"", Group: "none", Level: forgeries.Hole, Section: "RFC 8725 3.2", URL: "https://www.rfc-editor.org/rfc/rfc8725#section-3.2", What: "anybody <writes> tokens", Status: 200},
			{Name: "alg none: \"None\"", Group: "none", Level: forgeries.Hole, Section: "RFC 8725 3.2", URL: "https://www.rfc-editor.org/rfc/rfc8725#section-3.2", What: "anybody <writes> tokens", Status: 204},
			{Name: "size: big", Group: "size", Level: forgeries.Leniency, Section: "CWE-770", URL: "https://cwe.mitre.org/data/definitions/770.html", What: "long", Status: 0},
		},
		Skipped: []attack.Skipped{{Name: "aud: *", Why: "we know"}},
	}
}

func TestJSONIsWhatOthersRead(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.NoError(t, sample().JSON(&out))
	want := `{"api":"http://127.0.0.1:1/a|b","tried":10,"findings":[` +
		`{"name":"alg none: \"none\"","group":"none","level":"hole","section":"RFC 8725 3.2","url":"https://www.rfc-editor.org/rfc/rfc8725#section-3.2","what":"anybody <writes> tokens","status":200},` +
		`{"name":"alg none: \"None\"","group":"none","level":"hole","section":"RFC 8725 3.2","url":"https://www.rfc-editor.org/rfc/rfc8725#section-3.2","what":"anybody <writes> tokens","status":204},` +
		`{"name":"size: big","group":"size","level":"leniency","section":"CWE-770","url":"https://cwe.mitre.org/data/definitions/770.html","what":"long","status":0}],` +
		`"skipped":[{"name":"aud: *","why":"we know"}]}` + "\n"
	assert.Equal(t, want, out.String())

	report, err := newAPI(t, "EdDSA").attacked(t, func(c *attack.Config) { c.Only = []string{"cnf"} })
	require.NoError(t, err)
	out.Reset()
	require.NoError(t, report.JSON(&out))
	var got map[string]any
	require.NoError(t, json.Unmarshal(out.Bytes(), &got))
	assert.Equal(t, []any{}, got["findings"], "an empty list and no null")
	assert.Equal(t, []any{}, got["skipped"])
	assert.InDelta(t, 3, got["tried"], 0)
}

func TestTheTextGathersWhatIsTheSame(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.NoError(t, sample().Text(&out))
	assert.Equal(t, `hole      anybody <writes> tokens
          RFC 8725 3.2, https://www.rfc-editor.org/rfc/rfc8725#section-3.2
          - alg none: "none"
          - alg none: "None"
leniency  long
          CWE-770, https://cwe.mitre.org/data/definitions/770.html
          - size: big

skipped   aud: *: we know
10 cases tried: 2 holes, 1 leniency
`, out.String())
	out.Reset()
	require.NoError(t, (&attack.Report{Tried: 3}).Text(&out))
	assert.Regexp(t, "^3 cases tried: no findings\n$", out.String())
}

func TestTheWorstComesFirst(t *testing.T) {
	t.Parallel()
	a := newAPI(t, "EdDSA")
	a.opens = func(a *api, c *call) bool {
		return binding("other")(a, c) || binding("jkt")(a, c) || passes(otherAud, "aud", anything)(a, c)
	}
	report, err := a.attacked(t, func(c *attack.Config) { c.Only = []string{"aud", "cnf"} })
	require.NoError(t, err)
	var order []forgeries.Level
	for _, f := range report.Findings {
		if len(order) == 0 || order[len(order)-1] != f.Level {
			order = append(order, f.Level)
		}
	}
	assert.Equal(t, []forgeries.Level{hole, confusion, leniency}, order)
}

func TestMarkdownIsATable(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.NoError(t, sample().Markdown(&out))
	assert.Equal(t, `## sallyport attack: http://127.0.0.1:1/a\|b

10 cases tried: 2 holes, 1 leniency.

| level | what an attacker can do | by | forbidden in | answer |
|---|---|---|---|---|
| **hole** | anybody &lt;writes> tokens | alg none: "none"; alg none: "None" | [RFC 8725 3.2](https://www.rfc-editor.org/rfc/rfc8725#section-3.2) | 200, 204 |
| **leniency** | long | size: big | [CWE-770](https://cwe.mitre.org/data/definitions/770.html) | none |

Skipped:
- aud: \*: we know
`, out.String())
}

func TestJUnitFailsForWhatFails(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.NoError(t, sample().JUnit(&out, []forgeries.Level{forgeries.Hole}))
	var suite struct {
		Name     string `xml:"name,attr"`
		Tests    int    `xml:"tests,attr"`
		Failures int    `xml:"failures,attr"`
		Skipped  int    `xml:"skipped,attr"`
		Cases    []struct {
			Name    string `xml:"name,attr"`
			Class   string `xml:"classname,attr"`
			Output  string `xml:"system-out"`
			Failure *struct {
				Type string `xml:"type,attr"`
				Text string `xml:",chardata"`
			} `xml:"failure"`
			Skipped *struct {
				Message string `xml:"message,attr"`
			} `xml:"skipped"`
		} `xml:"testcase"`
	}
	require.NoError(t, xml.Unmarshal(out.Bytes(), &suite))
	assert.Equal(t, []int{5, 2, 1}, []int{suite.Tests, suite.Failures, suite.Skipped})
	require.Len(t, suite.Cases, 5)
	assert.Equal(t, "hole", suite.Cases[0].Failure.Type)
	assert.Equal(t, "answered 200: anybody <writes> tokens (RFC 8725 3.2, https://www.rfc-editor.org/rfc/rfc8725#section-3.2)", suite.Cases[0].Failure.Text)
	assert.Nil(t, suite.Cases[2].Failure, "leniencies do not fail here")
	assert.Contains(t, suite.Cases[2].Output, "leniency: no answer: long")
	assert.Equal(t, "we know", suite.Cases[3].Skipped.Message)
	assert.Regexp(t, "^7 of 10 cases without a finding$", suite.Cases[4].Name)
	assert.Equal(t, "sallyport.attack.none", suite.Cases[0].Class)
}

func TestAReportThatCannotBeWrittenIsAnError(t *testing.T) {
	t.Parallel()
	for name, write := range map[string]func() error{
		"JSON":     func() error { return sample().JSON(broken{}) },
		"text":     func() error { return sample().Text(broken{}) },
		"markdown": func() error { return sample().Markdown(broken{}) },
		"JUnit":    func() error { return sample().JUnit(broken{}, nil) },
	} {
		assert.ErrorIs(t, write(), errBroken, name)
	}
}

var errBroken = errors.New("broken")

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errBroken }
