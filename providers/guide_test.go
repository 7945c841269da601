package providers_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/internal/setting"
	"github.com/sallyport-go/sallyport/providers"
)

// pages are those of the guide whose Go lines are compiled in this package.
func pages(t *testing.T) map[string]string {
	t.Helper()
	texts := map[string]string{}
	for _, name := range []string{"providers", "okta", "keycloak", "cognito", "no-audience"} {
		data, err := os.ReadFile("../docs/guide/" + name + ".md")
		require.NoError(t, err)
		texts[name] = string(data)
	}
	return texts
}

func blocks(page, language string) []string {
	var texts []string
	for _, block := range regexp.MustCompile("(?s)```"+language+"\n(.*?)```").FindAllStringSubmatch(page, -1) {
		texts = append(texts, block[1])
	}
	return texts
}

func TestTheLinesOfTheGuideAreCompiled(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*_test.go")
	require.NoError(t, err)
	var source strings.Builder
	for _, file := range files {
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		source.Write(data)
	}
	compiled := map[string]bool{}
	for line := range strings.Lines(source.String()) {
		compiled[strings.TrimSpace(line)] = true
	}
	for name, page := range pages(t) {
		require.NotEmpty(t, blocks(page, "go"), name)
		for _, block := range blocks(page, "go") {
			for line := range strings.Lines(block) {
				assert.True(t, strings.TrimSpace(line) == "" || compiled[strings.TrimSpace(line)], "%s: no test compiles %s", name, line)
			}
		}
	}
}

func TestTheVariablesOfTheGuideMakeAProvider(t *testing.T) {
	t.Parallel()
	found := 0
	for name, page := range pages(t) {
		for _, block := range blocks(page, "sh") {
			var s providers.Settings
			byVariable := map[string]setting.Field{}
			for _, f := range setting.Fields(&s) {
				byVariable[f.Env] = f
			}
			preset := ""
			for line := range strings.Lines(block) {
				variable, value, ok := strings.Cut(strings.TrimSpace(line), "=")
				require.True(t, ok, line)
				value = strings.Trim(value, `"`)
				if variable == "SALLYPORT_PROVIDER" {
					preset = value
					continue
				}
				require.Contains(t, byVariable, variable)
				byVariable[variable].Set(value)
			}
			assert.NoError(t, providers.Named(preset, s).Err, name)
			found++
		}
	}
	assert.GreaterOrEqual(t, found, 3)
}

// The table of the guide has the presets, and of each what it needs and may have.
func TestTheGuideListsEveryPreset(t *testing.T) {
	t.Parallel()
	page := pages(t)["providers"]
	for _, name := range providers.Names() {
		row := regexp.MustCompile("(?m)^\\| [^|]*`" + name + "`.*$").FindString(page)
		if !assert.NotEmpty(t, row, name) {
			continue
		}
		cells := strings.Split(row, "|")
		words := map[setting.Name]string{
			"Issuer": "issuer", "Audiences": "audience", "Tenant": "tenant", "Clients": "clients",
			"RolesFrom": "roles from", "NoAudienceClients": "no-audience clients", "ScopePrefix": "scope prefix",
		}
		settings := whole[name]
		for cell, s := range map[string]*providers.Settings{cells[3]: &settings.needs, cells[4]: &settings.may} {
			for _, f := range setting.Fields(s) {
				if word, ok := words[f.Name]; ok && len(f.Values()) > 0 {
					assert.Contains(t, cell, word, name)
				}
			}
		}
	}
}
