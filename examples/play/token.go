package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/sallyport-go/sallyport/examples/internal/devauth"
)

// lifetimes are the documented expires_in, in seconds. Bokbasen hands out the
// same token again until less than ten minutes are left.
var lifetimes = map[devauth.Scheme]struct{ least, most int }{
	devauth.OKQ8:      {3599, 3599},
	devauth.Messaging: {3600, 3600},
	devauth.Bokbasen:  {600, 86400},
}

// token gets one by the scheme's documented request, which it prints first if
// it is to be shown.
func (p *play) token(ctx context.Context, scheme devauth.Scheme, name string, show bool) string {
	line, secret, err := p.tokenRequest(scheme, name)
	if err != nil {
		p.broken(ctx, name, err)
		return ""
	}
	if show {
		p.screen.curl(line.lines(secret))
	}
	r, err := line.request(ctx)
	if err != nil {
		p.broken(ctx, name, err)
		return ""
	}
	a, err := p.do(r)
	if ctx.Err() != nil {
		return ""
	}
	var got struct {
		AccessToken string `json:"access_token"`
		TokenType   string `json:"token_type"`
		ExpiresIn   int    `json:"expires_in"`
	}
	if err == nil && a.status == http.StatusOK {
		err = json.Unmarshal(a.body, &got)
	}
	if life := lifetimes[scheme]; err == nil && (got.TokenType != "Bearer" || strings.Count(got.AccessToken, ".") != 2 ||
		got.ExpiresIn < life.least || got.ExpiresIn > life.most) {
		err = fmt.Errorf("promised a JWT by Bearer, good for %d to %d s, got %q, %d s", life.least, life.most, got.TokenType, got.ExpiresIn)
	}
	p.show(call{who: name, method: http.MethodPost, path: "…/token"}, a, err, accepted(http.StatusOK), func(answer) string {
		return fmt.Sprintf("%s, good for %d s", shortened(got.AccessToken), got.ExpiresIn)
	})
	return got.AccessToken
}

// tokenRequest is a client's documented request, and the secret in it.
func (p *play) tokenRequest(scheme devauth.Scheme, name string) (line curl, secret string, err error) {
	c, err := p.stage.Auth.Client(scheme, name)
	if err != nil {
		return curl{}, "", err
	}
	if secret, err = p.stage.Auth.Secret(scheme, c.ID); err != nil {
		return curl{}, "", err
	}
	text, err := p.stage.Auth.CurlToken(scheme, c.ID, "")
	if err != nil {
		return curl{}, "", err
	}
	line, err = readCurl(text)
	return line, secret, err
}

// flawed is a token of a client with all levels that has one thing wrong.
func (p *play) flawed(ctx context.Context, scheme devauth.Scheme, flaw devauth.Flaw) string {
	c, err := p.stage.Auth.Client(scheme, devauth.AllLevels)
	if err == nil {
		var token string
		if token, err = p.stage.Auth.Mint(scheme, c.ID, flaw); err == nil {
			return token
		}
	}
	p.broken(ctx, string(flaw), err)
	return ""
}

// broken counts and prints what could not even be asked.
func (p *play) broken(ctx context.Context, who string, err error) {
	if ctx.Err() == nil {
		p.show(call{who: who}, answer{}, err, promise{}, nil)
	}
}

// shortened tells a token from others without being one.
func shortened(token string) string {
	const head, tail = 8, 3
	if len(token) < 4*(head+tail) {
		return fmt.Sprintf("… (%d bytes)", len(token))
	}
	return fmt.Sprintf("%s…%s (%d bytes)", token[:head], token[len(token)-tail:], len(token))
}
