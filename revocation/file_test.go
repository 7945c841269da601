package revocation_test

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/revocation"
)

// page is a file and the denylist that follows it.
type page struct {
	*testing.T
	path string
	*revocation.File
}

func (p *page) write(text string) {
	p.Helper()
	require.NoError(p, os.WriteFile(p.path, []byte(text), 0o600))
}

// denies reports whether the file withdraws the token with that identifier.
func (p *page) denies(id string) bool {
	p.Helper()
	return revoked(p, p.File, token(p.T, says{"jti": id}))
}

// after waits, and until the file was looked at.
func (p *page) after(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// follow runs a test in a bubble, with a file that begins with a text.
func follow(t *testing.T, text string, cfg revocation.FileConfig, test func(*page)) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "deny")
	synctest.Test(t, func(t *testing.T) {
		p := &page{T: t, path: path}
		p.write(text)
		cfg.Path = path
		var err error
		p.File, err = revocation.OpenFile(cfg)
		require.NoError(t, err)
		defer func() { assert.NoError(t, p.Close()) }()
		test(p)
	})
}

func TestANewLineCountsAtOnce(t *testing.T) {
	t.Parallel()
	follow(t, "id-1\n", revocation.FileConfig{}, func(p *page) {
		assert.True(t, p.denies("id-1"))
		assert.False(t, p.denies("id-2"))
		p.write("id-1\nid-2\n")
		p.after(250 * time.Millisecond)
		assert.True(t, p.denies("id-1"))
		assert.True(t, p.denies("id-2"))
		assert.Equal(t, revocation.FileStatus{Entries: 2}, p.Status())
	})
}

func TestALineThatIsGoneCountsOnceTheFileIsUnchangedForASecond(t *testing.T) {
	t.Parallel()
	follow(t, "id-1\nid-2\n", revocation.FileConfig{}, func(p *page) {
		p.write("id-2\n")
		p.after(1249 * time.Millisecond)
		assert.True(t, p.denies("id-1"), "seen at 250 ms, so it is unchanged for a second at 1250")
		p.after(time.Millisecond)
		assert.False(t, p.denies("id-1"))
		assert.True(t, p.denies("id-2"))
	})
}

func TestAFileThatIsHalfWrittenFreesNobody(t *testing.T) {
	t.Parallel()
	whole := "id-1\nid-2\nid-3\n"
	follow(t, whole, revocation.FileConfig{}, func(p *page) {
		for cut := range len(whole) { // a letter every 900 ms: never unchanged for a second
			p.write(whole[:cut])
			p.after(900 * time.Millisecond)
			for _, id := range []string{"id-1", "id-2", "id-3"} {
				require.True(t, p.denies(id), "%s after %q", id, whole[:cut])
			}
		}
		p.write(whole)
		p.after(1250 * time.Millisecond)
		assert.Equal(t, revocation.FileStatus{Entries: 3}, p.Status(), "no half of a line is left")
		assert.False(t, p.denies("id"))
	})
}

func TestAFileThatVanishedFreesNobodyAndSaysSo(t *testing.T) {
	t.Parallel()
	follow(t, "id-1\n", revocation.FileConfig{}, func(p *page) {
		p.after(time.Second)
		require.NoError(t, os.Remove(p.path))
		p.after(time.Hour)
		assert.True(t, p.denies("id-1"))
		s := p.Status()
		assert.ErrorIs(t, s.Err, os.ErrNotExist)
		assert.Equal(t, time.Hour, s.Age)

		p.write("id-2\n") // it is back, and must settle like any other change
		p.after(1249 * time.Millisecond)
		assert.True(t, p.denies("id-1"))
		assert.True(t, p.denies("id-2"))
		p.after(time.Millisecond)
		assert.False(t, p.denies("id-1"))
		assert.Equal(t, revocation.FileStatus{Entries: 1}, p.Status())
	})
}

func TestAFileThatWasAwayMustSettleAnew(t *testing.T) {
	t.Parallel()
	follow(t, "id-1\nid-2\n", revocation.FileConfig{}, func(p *page) {
		p.write("id-2\n")
		p.after(500 * time.Millisecond)
		require.NoError(t, os.Remove(p.path))
		p.after(time.Minute)
		p.write("id-2\n")
		p.after(1249 * time.Millisecond)
		assert.True(t, p.denies("id-1"))
		p.after(time.Millisecond)
		assert.False(t, p.denies("id-1"))
	})
}

func TestADamagedFileFreesNobodyAndItsGoodLinesCount(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct{ text, want string }{
		"it is not UTF-8":          {"id-2\n\xff\xfe\n", "line 2 is not UTF-8"},
		"it is UTF-16":             {"id-2\ni\x00d\x00-\x003\x00\n", "line 2 has a control character"},
		"a crash left zeros":       {"id-2\n" + strings.Repeat("\x00", 512), "line 2 has a control character"},
		"a line is none of these":  {"id-2\nsubject " + issuer + " alice 2026-11-20T12:00:00Z\n", "line 2 is neither one token id nor"},
		"a subject without a time": {"id-2\n\nsub " + issuer + " alice\n", "line 3 ends with no RFC 3339 time"},
		"a time without a zone":    {"id-2\nclient " + issuer + " app 2026-11-20T12:00:00\n", "line 2 ends with no RFC 3339 time"},
		"half a time":              {"id-2\nclient " + issuer + " app 2026-11-20T12:0", "line 2 ends with no RFC 3339 time"},
		"a subject without a name": {"id-2\nsub " + issuer + " 2026-11-20T12:00:00Z\n", "line 2 names no sub"},
		"a client without a name":  {"id-2\nclient " + issuer + " 2026-11-20T12:00:00Z\n", "line 2 names no client"},
		"an issuer with a subject": {"id-2\nissuer " + issuer + " alice 2026-11-20T12:00:00Z\n", "line 2 ends with no RFC 3339 time"},
		"it has too many lines":    {"id-2\n" + strings.Repeat("x\n", 500_000), "line 500001 is beyond the bound of 500000 entries"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			follow(t, "id-1\n", revocation.FileConfig{}, func(p *page) {
				p.write(row.text)
				p.after(10 * time.Second)
				assert.True(t, p.denies("id-1"))
				assert.True(t, p.denies("id-2"))
				s := p.Status()
				require.ErrorContains(t, s.Err, row.want)
				assert.NotContains(t, s.Err.Error(), "alice")
				assert.Equal(t, 10*time.Second, s.Age)

				p.write("id-1\n") // as it was: what the damaged file added goes too
				p.after(1250 * time.Millisecond)
				assert.False(t, p.denies("id-2"))
				assert.Equal(t, revocation.FileStatus{Entries: 1}, p.Status())
			})
			_, err := revocation.OpenFile(revocation.FileConfig{Path: written(t, row.text)})
			assert.ErrorContains(t, err, row.want, "at the start it is an error")
		})
	}
}

func written(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "deny")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

func TestWhatCannotBeFollowedIsAnErrorAtTheStart(t *testing.T) {
	t.Parallel()
	_, err := revocation.OpenFile(revocation.FileConfig{})
	assert.ErrorContains(t, err, "Path is empty")
	_, err = revocation.OpenFile(revocation.FileConfig{Path: filepath.Join(t.TempDir(), "missing")})
	assert.ErrorIs(t, err, os.ErrNotExist)
	_, err = revocation.OpenFile(revocation.FileConfig{Path: t.TempDir()})
	assert.ErrorContains(t, err, "is no regular file")
	_, err = revocation.OpenFile(revocation.FileConfig{Path: written(t, strings.Repeat("x", 16<<20+1))})
	assert.ErrorContains(t, err, "has more than 16777216 bytes")
	_, err = (*revocation.File)(nil).Revoked(t.Context(), token(t, nil))
	assert.EqualError(t, err, "revocation: the file is nil")
}

func TestWhatALineMeans(t *testing.T) {
	t.Parallel()
	const at = " 2026-11-20T13:00:01+01:00" // a second after noon in UTC
	for name, row := range map[string]struct {
		text  string
		token says
		want  bool
	}{
		"a token id of any issuer":            {"id-1", says{"iss": "https://other.example/"}, true},
		"a token id that is a word of lines":  {"sub", says{"jti": "sub"}, true},
		"a token id with a hash":              {"#1", says{"jti": "#1"}, true},
		"a token id between spaces":           {"  id-1\t\r\n", nil, true},
		"a token id behind a byte order mark": {"\ufeffid-1\r\n", nil, true},
		"a comment":                           {"# id-1\n#\n\n", nil, false},
		"a subject before":                    {"sub " + issuer + " alice" + at, nil, true},
		"a subject later":                     {"sub " + issuer + " alice" + at, says{"iat": noon.Unix() + 1}, false},
		"a subject of another issuer":         {"sub https://other.example/ alice" + at, nil, false},
		"a subject with spaces":               {"sub " + issuer + "  CN=Alice  A, O=B " + at, says{"sub": "CN=Alice  A, O=B"}, true},
		"a client before":                     {"client\t" + issuer + "\tapp" + at, nil, true},
		"a client is no subject":              {"client " + issuer + " alice" + at, nil, false},
		"an issuer before":                    {"issuer " + issuer + at, nil, true},
		"an issuer later":                     {"issuer " + issuer + at, says{"iat": noon.Unix() + 1}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, err := revocation.OpenFile(revocation.FileConfig{Path: written(t, row.text)})
			require.NoError(t, err)
			assert.Equal(t, row.want, revoked(t, f, token(t, row.token)))
			assert.NoError(t, f.Close())
			assert.NoError(t, f.Close(), "a second time is no harm")
		})
	}
}

func TestTheLogTellsOfTroubleOnceAMinuteAndOfNoLine(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey || a.Key == "file" {
			return slog.Attr{}
		}
		return a
	}}))
	lines := func() []string {
		defer out.Reset()
		return strings.Split(strings.TrimSpace(out.String()), "\n")
	}
	follow(t, "secret-1\n", revocation.FileConfig{Logger: logger}, func(p *page) {
		p.write("secret-1\nsecret-2\n")
		p.after(2 * time.Second)
		assert.Equal(t, []string{`level=INFO msg="denylist changed" entries=2 age=250ms`}, lines())
		p.write("secret-1\nsecret-2\n\xff")
		p.after(119 * time.Second)
		assert.Equal(t, []string{
			`level=WARN msg="denylist cannot be read, what was denied stays denied" entries=2 age=250ms error="line 3 is not UTF-8"`,
			`level=WARN msg="denylist cannot be read, what was denied stays denied" entries=2 age=1m0.25s error="line 3 is not UTF-8"`,
		}, lines())
		p.write("secret-1\nsecret-2\n")
		p.after(250 * time.Millisecond)
		assert.Equal(t, []string{`level=INFO msg="denylist is whole again" entries=2 age=0s`}, lines())
	})
}
