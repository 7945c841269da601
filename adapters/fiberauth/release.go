package fiberauth

import (
	"context"

	"github.com/gofiber/fiber/v3"
)

// release ends the context of a call that would end with its token, once the call is
// over: fasthttp ends none. What is sent as a stream is not over yet, nor is a
// connection that was taken over, such as a WebSocket: they end with the token.
func (d *door) release(before, admitted context.Context, cancel context.CancelFunc, c fiber.Ctx) {
	if at, ends := admitted.Deadline(); ends {
		if was, ended := before.Deadline(); !ended || at.Before(was) {
			d.ends.Store(true)
		}
	}
	if d.ends.Load() && !c.Response().IsBodyStream() && !c.RequestCtx().Hijacked() {
		cancel()
	}
}
