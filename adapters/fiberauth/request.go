package fiberauth

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/gofiber/fiber/v3"
	"github.com/valyala/fasthttp"
)

// requestOf returns a request as net/http would have it, in memory of its own:
// fasthttp uses its buffers again when the handlers have returned. It reports false
// if what is routed cannot be told for certain, or would be none for net/http.
//
// Method and path are those that Fiber routes by, whatever a middleware has made of the
// request. The pattern is the route's, with its method in front as ServeMux
// writes it: the Guard compares the methods.
func requestOf(ctx context.Context, c fiber.Ctx) (r *http.Request, certain bool) {
	call := c.RequestCtx()
	target, certain := targetOf(&call.Request, c.Path())
	header, proper := headerOf(&call.Request.Header)
	r = &http.Request{
		Method: strings.Clone(c.Method()), URL: target, RequestURI: string(call.Request.Header.RequestURI()),
		Proto: string(call.Request.Header.Protocol()), ProtoMajor: 1, ProtoMinor: 1,
		Host: string(call.Host()), Header: header, Body: http.NoBody,
		RemoteAddr: call.RemoteAddr().String(), TLS: call.TLSConnectionState(),
	}
	if route := c.Route(); route != nil {
		r.Pattern = strings.Clone(route.Method + " " + route.Path)
	}
	return r.WithContext(ctx), certain && proper
}

// headerOf returns all values of all fields. It reports false for what RFC 9112
// forbids and fasthttp lets pass: a name with a space, which another reader of the
// same request may take for the field without it, and a second Host.
//
// RFC 9112 section 5.1: https://www.rfc-editor.org/rfc/rfc9112#section-5.1
// RFC 9112 section 3.2: https://www.rfc-editor.org/rfc/rfc9112#section-3.2
func headerOf(h *fasthttp.RequestHeader) (header http.Header, proper bool) {
	inFront, hosts := inFrontOf(h)
	header, proper = make(http.Header, h.Len()), hosts <= 1
	for name, value := range h.All() {
		key := http.CanonicalHeaderKey(string(name))
		if strings.Contains(key, " ") {
			proper = false
		}
		if inFront == nil || inFront[key] || isShown(key) {
			header[key] = append(header[key], string(value))
		}
	}
	delete(header, "Host") // which net/http keeps apart
	return header, proper
}

// inFrontOf returns the names that stand in front of a chunked body, nil for any other
// body, and how many of them are Host. What stands behind the body, the trailer, fasthttp
// puts among the other fields, where a proxy in front has not looked: it is no part of
// the header.
//
// RFC 9110 section 6.5.1: https://www.rfc-editor.org/rfc/rfc9110#section-6.5.1
func inFrontOf(h *fasthttp.RequestHeader) (names map[string]bool, hosts int) {
	chunked := false
	for name := range h.AllInOrder() {
		switch {
		case strings.EqualFold(string(name), fiber.HeaderHost):
			hosts++
		case strings.EqualFold(string(name), fiber.HeaderTransferEncoding):
			chunked = true
		}
	}
	if !chunked {
		return nil, hosts
	}
	names = make(map[string]bool)
	for name := range h.AllInOrder() {
		names[http.CanonicalHeaderKey(string(name))] = true
	}
	return names, hosts
}

// isShown reports whether a field counts wherever it stands: one that fasthttp takes in
// no trailer, so that a handler in front of the door has set it, and one that handlers
// behind the door may obey.
func isShown(key string) bool {
	return key == fiber.HeaderAuthorization || key == fiber.HeaderCookie || slices.Contains(overrideHeaders[:], key)
}

// targetOf returns the URL of a request. It reports false for a target that net/http
// and fasthttp read differently: fasthttp takes //host/path for a target with a host
// where there is no Host or "://" in the query, and cuts a fragment off. by is the path
// that Fiber routes by: that of the target, or what it says without its escapes, unless
// a middleware has set one of them alone.
func targetOf(req *fasthttp.Request, by string) (target *url.URL, certain bool) {
	raw := string(req.Header.RequestURI())
	routed := string(req.URI().PathOriginal())
	if by != routed && by != string(fasthttp.AppendUnquotedArg(nil, []byte(routed))) {
		routed = strings.Clone(by)
	}
	target, err := url.ParseRequestURI(raw)
	if err != nil || !readAlike(raw, target, req.Header.Host()) {
		return &url.URL{Path: "/"}, false
	}
	if path, _, _ := strings.Cut(strings.TrimPrefix(raw, authorityOf(target)), "?"); path == routed || path == "" && routed == "/" {
		return target, true
	}
	path, _ := url.PathUnescape(routed) // that a middleware has set; "" if it is none
	if !strings.HasPrefix(path, "/") {
		return &url.URL{Path: "/"}, false
	}
	return &url.URL{Path: path, RawPath: routed, RawQuery: target.RawQuery}, true
}

// authorityOf is what stands in front of the path of a target that names a host.
func authorityOf(target *url.URL) string {
	if target.Scheme == "" {
		return ""
	}
	return target.Scheme + "://" + target.Host
}

// readAlike reports whether fasthttp finds the path in a target that net/url found.
func readAlike(raw string, target *url.URL, host []byte) bool {
	if strings.HasPrefix(raw, "/") {
		return !strings.HasPrefix(raw, "//") && !strings.Contains(raw, "#")
	}
	if target.Scheme != "http" && target.Scheme != "https" {
		return false
	}
	again := fasthttp.AcquireURI()
	defer fasthttp.ReleaseURI(again)
	if err := again.Parse(host, []byte(raw)); err != nil {
		return false
	}
	path, _, _ := strings.Cut(strings.TrimPrefix(raw, authorityOf(target)), "?")
	found := string(again.PathOriginal())
	return found == path || path == "" && found == "/"
}

// setParams gives a request the parameters of the route, as handlers see them.
func setParams(c fiber.Ctx, r *http.Request) {
	for _, name := range c.Route().Params {
		value := strings.Clone(c.Params(name))
		r.SetPathValue(name, value)
		if first, ok := strings.CutSuffix(name, "1"); ok && (first == "*" || first == "+") {
			r.SetPathValue(first, value) // Fiber's other name for the first one
		}
	}
}
