package providers_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/providers"
)

func TestGeneric(t *testing.T) {
	t.Parallel()
	c := cloud{}
	iss := c.at(t, "https://issuer.example/realm", "https://issuer.example/realm/.well-known/openid-configuration", "https://keys.example/jwks")
	g := c.gate(t, providers.Generic("https://issuer.example/realm", "a", "b"))
	for _, audience := range []string{"a", "b"} {
		_, err := g.Verify(t.Context(), iss.Token(jwkstest.WithAudience(audience)))
		assert.NoError(t, err)
	}
	_, err := g.Verify(t.Context(), iss.Token(jwkstest.WithAudience("c")))
	assert.Error(t, err)
}

func TestAProviderIsAValue(t *testing.T) {
	t.Parallel()
	audiences, clients := []string{"a"}, []string{"partner"}
	plain := providers.Entra(tenant, audiences...)
	closed := plain.WithClients(clients...)
	fixed := closed.WithJWKS("https://keys.example/jwks")
	audiences[0], clients[0] = "x", "x"

	require.Len(t, plain.Issuers, 2)
	for i := range plain.Issuers {
		assert.Equal(t, []string{"a"}, plain.Issuers[i].Tokens.Audiences, "what is given is copied")
		assert.Empty(t, plain.Issuers[i].Tokens.Clients, "a changed copy changes nothing here")
		assert.Equal(t, []string{"partner"}, closed.Issuers[i].Tokens.Clients)
		assert.Empty(t, closed.Issuers[i].Source.JWKSURL)
		assert.Equal(t, "https://keys.example/jwks", fixed.Issuers[i].Source.JWKSURL)
		assert.Equal(t, []string{"partner"}, fixed.Issuers[i].Tokens.Clients)
	}
}

func TestWithJWKSNeedsNoDiscovery(t *testing.T) {
	t.Parallel()
	c := cloud{}
	iss := jwkstest.New(t, jwkstest.WithoutServer(), jwkstest.WithName("https://issuer.example/"))
	c["https://keys.example/the.json"] = iss
	g := c.gate(t, providers.Generic("https://issuer.example/", "api://test").WithJWKS("https://keys.example/the.json"))
	_, err := g.Verify(t.Context(), iss.Token())
	assert.NoError(t, err)
	assert.Zero(t, iss.DiscoveryFetches())
}

// A preset is plain configuration: print it to see what it expects.
func ExampleEntra() {
	p := providers.Entra("a53d724c-15ea-4469-a987-82a5b30ec167", "api://orders", "6e74172b-be56-4843-9ff4-e66a39bb12e3").WithClients("11111111-1111-1111-1111-111111111111")
	for i := range p.Issuers {
		tokens := &p.Issuers[i].Tokens
		fmt.Println(tokens.Name, tokens.Algorithms, tokens.Required)
	}
	// Output:
	// https://sts.windows.net/a53d724c-15ea-4469-a987-82a5b30ec167/ [RS256] [appid tid]
	// https://login.microsoftonline.com/a53d724c-15ea-4469-a987-82a5b30ec167/v2.0 [RS256] [azp tid]
}

// The domain is that of the tokens' iss, which is not always that of the token
// endpoint. Whether grants are scopes or permissions is for you to say.
func ExampleAuth0() {
	p := providers.Auth0("login.example.com", providers.Auth0Permissions, "https://api.example.com/orders/")
	fmt.Println(p.Issuers[0].Tokens.Name)

	fmt.Println(providers.Auth0("https://login.example.com/", 0).Err)
	// Output:
	// https://login.example.com/
	// providers: Auth0: domain "https://login.example.com/": give the host name alone, such as login.example.com
	// give the audience that means this API
	// choose Auth0Permissions or Auth0Scopes
}
