package audit_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/sallyport-go/sallyport/adapters/audit"
)

func ExampleReport() {
	fmt.Print(audit.Report{
		{Method: "GET", Pattern: "/healthz", Access: "open to everybody"},
		{Method: "DELETE", Pattern: "/orders/{id}", Access: "any role Orders.Admin"},
	})
	// Output:
	// GET     /healthz      -> open to everybody
	// DELETE  /orders/{id}  -> any role Orders.Admin
}

func TestAReportOfNoRoutesIsEmpty(t *testing.T) {
	t.Parallel()
	assert.Empty(t, audit.Report(nil).String())
}
