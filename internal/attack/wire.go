package attack

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	silence  = time.Second     // is an outage
	patience = 5 * time.Second // for what a silent API says in the end
	mostBody = 1 << 16         // bytes of an answer that are looked at
)

// request is what goes over a connection.
type request struct {
	method, target string   // of the request line
	lines          []string // of the head, without Host
	body           string
	raw            string // all of it, in the place of the others
}

// good is the request that opens the API, but for its credentials.
func (t *target) good(credentials ...string) request {
	return request{method: t.cfg.Method, target: t.path, lines: append(credentials, t.cfg.Header...), body: t.cfg.Body}
}

// bytes writes a request for a connection of its own.
func (t *target) bytes(r request, last bool) string {
	if r.raw != "" {
		return r.raw
	}
	lines := append([]string{r.method + " " + r.target + " HTTP/1.1", "Host: " + t.host}, r.lines...)
	if !has(r.lines, "User-Agent") {
		lines = append(lines, "User-Agent: sallyport-attack")
	}
	if !has(r.lines, "Accept") {
		lines = append(lines, "Accept: */*")
	}
	if last && !has(r.lines, "Connection") {
		lines = append(lines, "Connection: close")
	}
	if (r.body != "" || r.method == "POST" || r.method == "PUT" || r.method == "PATCH") && !has(r.lines, "Transfer-Encoding") {
		lines = append(lines, "Content-Length: "+strconv.Itoa(len(r.body)))
	}
	return strings.Join(lines, "\r\n") + "\r\n\r\n" + r.body
}

func has(lines []string, name string) bool {
	for _, line := range lines {
		if before, _, ok := strings.Cut(line, ":"); ok && strings.EqualFold(before, name) {
			return true
		}
	}
	return false
}

// answer is what came back, or did not.
type answer struct {
	status int // 0: none
	header http.Header
	body   string
	silent bool  // for a second or more
	err    error // why there is no answer
}

// call sends requests over one connection and returns the last answer. Those before it must have been answered.
func (t *target) call(ctx context.Context, requests ...request) answer {
	conn, err := t.dial(ctx)
	if err != nil {
		return answer{err: err}
	}
	defer func() { _ = conn.Close() }()
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	answers := bufio.NewReader(conn)
	var a answer
	for i, r := range requests {
		begun := time.Now()
		_ = conn.SetDeadline(begun.Add(patience))
		_, err := io.WriteString(conn, t.bytes(r, i == len(requests)-1)) // a server that has read enough hangs up
		a = read(answers, r.method)
		a.silent = time.Since(begun) >= silence && (a.status != 0 || isTimeout(a.err))
		if a.status == 0 {
			a.err = errors.Join(a.err, err)
			return a
		}
	}
	return a
}

// read reads one answer.
func read(from *bufio.Reader, method string) answer {
	resp, err := http.ReadResponse(from, &http.Request{Method: method})
	for err == nil && resp.StatusCode < http.StatusOK && resp.StatusCode != http.StatusSwitchingProtocols {
		resp, err = http.ReadResponse(from, &http.Request{Method: method}) // what came was only provisional
	}
	if err != nil {
		return answer{err: err}
	}
	defer func() { _ = resp.Body.Close() }()
	body, _ := io.ReadAll(io.LimitReader(resp.Body, mostBody)) // the status is what counts
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<24))
	return answer{status: resp.StatusCode, header: resp.Header, body: string(body)}
}

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}

func (a answer) welcome() bool { return a.status >= 200 && a.status < 300 }

// sendable reports whether a header can carry a value: a line end would begin another one (RFC 9110 section 5.5).
func sendable(value string) bool { return !strings.ContainsAny(value, "\r\n") }
