package ginauth_test

import (
	"os"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/adapters/ginauth"
	"github.com/sallyport-go/sallyport/adapters/internal/kit"
)

func TestMain(m *testing.M) {
	gin.SetMode(gin.ReleaseMode) // it is global
	os.Exit(m.Run())
}

func enforce(t *testing.T, g ginauth.Guard, p ginauth.Policy) gin.HandlerFunc {
	t.Helper()
	h, err := ginauth.Enforce(g, p)
	require.NoError(t, err)
	return h
}

// reached is a handler of Gin that counts its requests.
type reached struct{ kit.Reached }

func (n *reached) handler(c *gin.Context) { n.ServeHTTP(c.Writer, c.Request) }
