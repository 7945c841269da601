package verifier

import (
	"context"

	"github.com/sallyport-go/sallyport/claims"
)

func (v *Verifier) ExplainRule(ctx context.Context, token string, rule claims.Rule) Report {
	return v.Explain(ctx, token)
}
