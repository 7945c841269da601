package arrows_test

import (
	"os"
	"path"
	"slices"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A plan that allows what nobody needs says less than it seems to.
func TestEveryArrowOfTheHouseIsUsed(t *testing.T) {
	t.Parallel()
	module, files, err := readSources(os.DirFS(repository))
	require.NoError(t, err)
	for _, stale := range unused(module, files) {
		assert.Fail(t, stale)
	}
}

func TestAnArrowThatNobodyUsesIsFound(t *testing.T) {
	t.Parallel()
	const m = "example.org/house"
	module, files, err := readSources(fstest.MapFS{
		"go.mod":               {Data: []byte("module " + m + "\n")},
		"claims/a.go":          {Data: []byte("package a\n\nimport _ \"" + m + "/reason\"\n")},
		"claims/a_test.go":     {Data: []byte("package a\n\nimport _ \"" + m + "/internal/strictjson\"\nimport _ \"" + jsonv2 + "/jsontext\"\n")},
		"internal/view/a.go":   {Data: []byte("package a\n")},
		"adapters/a_test.go":   {Data: []byte("package a\n\nimport _ \"" + gin + "\"\n")},
		"nested/go.mod":        {Data: []byte("module " + m + "/nested\n")},
		"nested/jwks/a.go":     {Data: []byte("package a\n")},
		"internal/arrows/a.go": {Data: []byte("package a\n")},
	})
	require.NoError(t, err)
	found := unused(module, files)
	for _, want := range []string{
		"claims: no production file imports internal/strictjson: take it out of the house",
		"internal/view: nothing imports unsafe: take it out of the house",
		"adapters: nothing imports " + chi + ": take it out of the house",
		"jwks: there is no such package: take it out of the house",
	} {
		assert.Contains(t, found, want)
	}
	for _, stale := range found {
		assert.NotRegexp(t, `^internal/arrows:|imports reason:|`+gin, stale)
	}
	assert.NotContains(t, found, "claims: nothing imports "+jsonv2+": take it out of the house", "third-party code may be for tests")
}

// unused says what the house allows without need.
func unused(module string, files []source) (found []string) {
	for _, r := range house {
		used, tested := r.imports(files)
		if used == nil {
			found = append(found, r.dir+": there is no such package: take it out of the house")
			continue
		}
		for _, ours := range r.ours {
			if !slices.Contains(used, path.Join(module, ours)) {
				found = append(found, r.dir+": no production file imports "+ours+": take it out of the house")
			}
		}
		foreign := r.foreign
		if r.unsafe {
			foreign = append(slices.Clone(foreign), "unsafe")
		}
		for _, root := range foreign {
			if !slices.ContainsFunc(slices.Concat(used, tested), func(i string) bool { return within(i, root) }) {
				found = append(found, r.dir+": nothing imports "+root+": take it out of the house")
			}
		}
	}
	return found
}

// imports are those of the room's production files, not nil if it has any file, and those of its tests.
func (r room) imports(files []source) (used, tested []string) {
	for _, file := range files {
		if file.module != "." || path.Dir(file.path) != r.dir {
			continue
		}
		if used == nil {
			used = []string{}
		}
		if file.isTest() {
			tested = append(tested, file.imports...)
		} else {
			used = append(used, file.imports...)
		}
	}
	return used, tested
}
