package setting_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/internal/setting"
)

type settings struct {
	_ [0]func()

	Issuer  string   `env:"X_ISSUER" flag:"issuer" also:"issuer Name" help:"the iss claim"`
	Other   string   // no variable
	Clients []string `env:"X_CLIENTS" flag:"client" help:"the client id"`
}

func TestFields(t *testing.T) {
	t.Parallel()
	var s settings
	fields := setting.Fields(&s)
	require.Len(t, fields, 2)
	issuer, clients := fields[0], fields[1]
	assert.Equal(t, []any{setting.Name("Issuer"), []setting.Name{"issuer", "Name"}, "X_ISSUER", "issuer", "the iss claim", false},
		[]any{issuer.Name, issuer.Also, issuer.Env, issuer.Flag, issuer.Help, issuer.List})
	assert.True(t, clients.List)
	assert.Empty(t, issuer.Values())
	assert.Empty(t, clients.Values())

	issuer.Set("https://issuer.example/")
	clients.Set(" a  b ")
	assert.Equal(t, settings{Issuer: "https://issuer.example/", Clients: []string{"a", "b"}}, s)
	issuer.Add("https://other.example/")
	clients.Add("c d")
	assert.Equal(t, []string{"https://other.example/"}, issuer.Values(), "a string is replaced")
	assert.Equal(t, []string{"a", "b", "c d"}, clients.Values())
	clients.Set("")
	assert.Empty(t, clients.Values())

	names := setting.NamesBy(fields, func(f setting.Field) string { return f.Env })
	assert.Equal(t, setting.Names{"Issuer": "X_ISSUER", "issuer": "X_ISSUER", "Name": "X_ISSUER", "Clients": "X_CLIENTS"}, names)
}
