package ginauth_test

import (
	"net/http"
	"os"
	"sync/atomic"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/adapters/ginauth"
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

// reached counts the requests that came to a handler, which answers with the subject of the claims.
type reached struct{ atomic.Int64 }

func (n *reached) handler(c *gin.Context) {
	n.Add(1)
	subject := "-"
	if cl, ok := ginauth.Claims(c); ok {
		subject = cl.Subject()
	}
	c.String(http.StatusOK, subject)
}
