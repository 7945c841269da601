package attack

import (
	"encoding/xml"
	"fmt"
	"io"

	"github.com/sallyport-go/sallyport/internal/forgeries"
	"github.com/sallyport-go/sallyport/internal/quote"
)

// suite is JUnit's XML, as CI systems read it.
type suite struct {
	XMLName  xml.Name   `xml:"testsuite"`
	Name     string     `xml:"name,attr"`
	Tests    int        `xml:"tests,attr"`
	Failures int        `xml:"failures,attr"`
	Skipped  int        `xml:"skipped,attr"`
	Cases    []testcase `xml:"testcase"`
}

type testcase struct {
	Class   string   `xml:"classname,attr"`
	Name    string   `xml:"name,attr"`
	Failure *message `xml:"failure,omitempty"`
	Skipped *message `xml:"skipped,omitempty"`
	Output  string   `xml:"system-out,omitempty"`
}

type message struct {
	Type    string `xml:"type,attr,omitempty"`
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

// JUnit writes the report as a test suite of JUnit. Findings of the levels are failures; of others, they are what a
// passed case printed. What was refused is one case, with its number.
func (r *Report) JUnit(w io.Writer, fail []forgeries.Level) error {
	s := suite{Name: "sallyport attack " + r.API, Tests: len(r.Findings) + len(r.Skipped) + 1, Skipped: len(r.Skipped)}
	for i := range r.Findings {
		f := &r.Findings[i]
		one := testcase{Class: "sallyport.attack." + f.Group, Name: quote.Line(f.Name, 200)}
		text := f.text()
		if failing := (&Report{Findings: []Finding{*f}}).Worst(fail); failing {
			s.Failures++
			one.Failure = &message{Type: string(f.Level), Message: f.What, Text: text}
		} else {
			one.Output = string(f.Level) + ": " + text
		}
		s.Cases = append(s.Cases, one)
	}
	for _, k := range r.Skipped {
		s.Cases = append(s.Cases, testcase{Class: "sallyport.attack", Name: quote.Line(k.Name, 200), Skipped: &message{Message: k.Why}})
	}
	passed := fmt.Sprintf("%d of %d cases without a finding", max(0, r.Tried-len(r.Findings)), r.Tried)
	s.Cases = append(s.Cases, testcase{Class: "sallyport.attack", Name: passed})
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	if err := e.Encode(s); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

// text says what happened.
func (f *Finding) text() string {
	status := "no answer"
	if f.Status != 0 {
		status = fmt.Sprintf("answered %d", f.Status)
	}
	return fmt.Sprintf("%s: %s (%s, %s)", status, f.What, f.Section, f.URL)
}
