package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// moments are when the day is looked at: each minute of a short act, each ten of
// a long one.
func moments() (at []time.Duration) {
	for _, a := range acts() {
		step := time.Minute
		if a.lasts > 2*time.Hour {
			step = 10 * time.Minute
		}
		for when := time.Duration(0); when < a.lasts; when += step {
			at = append(at, a.begins+when)
		}
	}
	return at
}

// found are the answers to all queries about the day: the alarms, and what the
// panels of the dashboard show.
type found struct {
	alarms map[string][]sample // by name and, where there is one, reason or second instance
	panels map[string][]sample // by query
}

const firing = `ALERTS{alertstate="firing"}`

var (
	once   sync.Once
	played found
)

// theDay is played once for all tests.
func theDay(t *testing.T) found {
	t.Helper()
	once.Do(func() {
		answers := evaluate(t, playDay(t), append(queries(t), firing), moments())
		alarms := map[string][]sample{}
		for _, s := range answers[firing] {
			name := s.labels["alertname"]
			if s.labels["sallyport_reason"] != "" {
				name += " " + s.labels["sallyport_reason"]
			}
			if s.labels["instance"] != "api-1" {
				name += " at " + s.labels["instance"]
			}
			alarms[name] = append(alarms[name], s)
		}
		played = found{alarms, answers}
	})
	require.NotNil(t, played.alarms, "the day was not played")
	return played
}

// Each alarm goes off for what it is there for, and ends when that has ended; a
// rotation that is announced and calm hours are silent.
func TestEachAlarmGoesOffAndEnds(t *testing.T) {
	t.Parallel()
	const slack = 17 * time.Minute // the windows of the rules, and what they wait for
	alarms := maps.Clone(theDay(t).alarms)
	for _, want := range []struct {
		alarm, act  string
		after, ends time.Duration // since the act began: not before, and not after, with the slack
	}{
		{"SallyportForgedTokens", "forgery", 0, 20 * time.Minute},
		{"SallyportUnknownKeys", "forgery", 5 * time.Minute, 20 * time.Minute},
		{"SallyportWaveOfRefusals unknown_key", "forgery", 0, 20 * time.Minute},
		{"SallyportWaveOfRefusals wrong_audience", "a partner's mistake", 0, 20 * time.Minute},
		{"SallyportWaveOfRefusals unknown_key", "a key that is not published", 0, 20 * time.Minute},
		{"SallyportKeyFetchesFail", "the issuer goes down", 5 * time.Minute, 26 * time.Hour},
		{"SallyportKeysNeverLoaded at api-2", "a start without keys", 2 * time.Minute, 30 * time.Minute},
		{"SallyportCallsNotJudged keys_unavailable at api-2", "a start without keys", 2 * time.Minute, 30 * time.Minute},
		{"SallyportKeyFetchesFail at api-2", "a start without keys", 5 * time.Minute, 30 * time.Minute},
		{"SallyportKeysNotRefreshed", "the issuer goes down", 13 * time.Hour, 26 * time.Hour},
		{"SallyportKeysTooOld", "the issuer goes down", 24*time.Hour - 5*time.Minute, 26 * time.Hour},
		{"SallyportCallsNotJudged keys_unavailable", "the issuer goes down", 24*time.Hour - 5*time.Minute, 26 * time.Hour},
	} {
		a := acts()[slices.IndexFunc(acts(), func(a act) bool { return a.name == want.act })]
		from, until := a.begins+want.after, a.begins+want.ends+slack
		var rest, in []sample
		for _, s := range alarms[want.alarm] {
			if from <= s.at && s.at <= until {
				in = append(in, s)
				continue
			}
			rest = append(rest, s)
		}
		if assert.NotEmpty(t, in, "%s does not go off in %q", want.alarm, want.act) {
			t.Logf("%-52s goes off %9v after %q began, last seen %9v", want.alarm, in[0].at-a.begins, a.name, in[len(in)-1].at-a.begins)
		}
		if alarms[want.alarm] = rest; len(rest) == 0 {
			delete(alarms, want.alarm)
		}
	}
	for name, when := range alarms {
		for _, s := range when {
			assert.Fail(t, "a false alarm", "%s at %v", name, s.at)
		}
	}
}

func TestEveryRuleGoesOffInTheDay(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("rules.yml")
	require.NoError(t, err)
	names := map[string]bool{}
	for _, s := range theDay(t).panels[firing] {
		names[s.labels["alertname"]] = true
	}
	for line := range strings.Lines(string(text)) {
		if _, name, ok := strings.Cut(strings.TrimSpace(line), "- alert: "); ok {
			assert.True(t, names[name], "%s never goes off", name)
		}
	}
}

func TestTheRulesPassTheirOwnTests(t *testing.T) {
	t.Parallel()
	output, err := promtool(t, "check", "rules", "rules.yml")
	assert.NoError(t, err, output)
	output, err = promtool(t, "test", "rules", "rules_test.yml")
	assert.NoError(t, err, output)
	output, err = promtool(t, "check", "config", "prometheus.yml")
	assert.NoError(t, err, output)
}

// panel is what the tests read of a panel of the dashboard.
type panel struct {
	Title   string
	Targets []struct{ Expr string }
}

func panels(t *testing.T) []panel {
	t.Helper()
	text, err := os.ReadFile("dashboard.json")
	require.NoError(t, err)
	var dashboard struct{ Panels []panel }
	require.NoError(t, json.Unmarshal(text, &dashboard))
	require.NotEmpty(t, dashboard.Panels)
	return dashboard.Panels
}

// query is a query of the dashboard as Grafana sends it.
func query(expr string) string {
	return strings.NewReplacer("$__rate_interval", "5m", "$instance", ".*", "$issuer", ".*").Replace(expr)
}

func queries(t *testing.T) (all []string) {
	t.Helper()
	for _, p := range panels(t) {
		for _, target := range p.Targets {
			all = append(all, query(target.Expr))
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// A panel that shows nothing is most often a name that was misspelled.
func TestEachPanelOfTheDashboardShowsSomething(t *testing.T) {
	t.Parallel()
	f := theDay(t)
	for _, p := range panels(t) {
		assert.NotEmpty(t, p.Targets, p.Title)
		for _, target := range p.Targets {
			assert.NotEmpty(t, f.panels[query(target.Expr)], fmt.Sprint(p.Title, ": ", target.Expr))
		}
	}
}
