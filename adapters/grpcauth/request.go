package grpcauth

import (
	"context"
	"net/http"
	"net/url"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
)

// methodOf returns the full method by which the server routed a call. The one that
// the interceptor was told is that of the generated code, which a service that is
// registered by another name does not have.
func methodOf(ctx context.Context, told string) string {
	if routed, ok := grpc.Method(ctx); ok {
		return routed
	}
	return told
}

// requestOf returns a call as the HTTP/2 request that it came as. Values of metadata
// whose names end in -bin are those that grpc-go decoded.
//
// https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md#requests
func requestOf(ctx context.Context, method, pattern string) *http.Request {
	r := &http.Request{
		Method:     http.MethodPost,
		URL:        &url.URL{Path: method},
		RequestURI: method,
		Pattern:    pattern,
		Proto:      "HTTP/2.0",
		ProtoMajor: 2,
		Header:     http.Header{},
		Body:       http.NoBody,
	}
	md, _ := metadata.FromIncomingContext(ctx)
	for name, values := range md {
		if name == ":authority" {
			if len(values) == 1 { // of several none is the host; grpc-go refuses them
				r.Host = values[0]
			}
			continue
		}
		canonical := http.CanonicalHeaderKey(name)
		r.Header[canonical] = append(r.Header[canonical], values...)
	}
	if p, ok := peer.FromContext(ctx); ok {
		if p.Addr != nil {
			r.RemoteAddr = p.Addr.String()
		}
		if info, ok := p.AuthInfo.(credentials.TLSInfo); ok {
			r.TLS = &info.State
		}
	}
	return r.WithContext(ctx)
}
