package api_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/sallyport-go/sallyport/integration/internal/api"
	"github.com/sallyport-go/sallyport/integration/internal/process"
)

func TestTheAPIListensInEachFramework(t *testing.T) {
	t.Parallel()
	for _, framework := range []string{"nethttp", "chi", "gin"} {
		a := api.Start(t, "-framework", framework, "-issuer", "http://127.0.0.1:1", "-audience", "api://orders")
		assert.True(t, process.Answers(a.URL+"/healthz"), framework)
		a.Stop()
		assert.False(t, process.Answers(a.URL+"/healthz"), framework)
		assert.Contains(t, a.Log(), "ending, requests under way are finished first", framework)
	}
}
