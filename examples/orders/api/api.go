package api

import (
	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/claims"
)

// API is the handlers and what they need. It is safe for concurrent use. Make
// it by [Start].
type API struct {
	gate   *sallyport.Gate
	levels claims.AccessLevels
	orders *store
}
