package middleware_test

import (
	"bufio"
	"context"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/middleware"
	"github.com/sallyport-go/sallyport/reason"
)

// A WebSocket ends with the token that it was opened with: the handler has taken
// its connection over, so it looks at the request's context itself.
func ExampleConfig_endAtExpiry() {
	guard, err := middleware.New(middleware.Config{Verifier: shortLived{}, EndAtExpiry: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	server := httptest.NewServer(guard.Require(claims.AllScopes("orders.read"))(http.HandlerFunc(echo)))
	defer server.Close()

	fmt.Println(dial(server.Listener.Addr().String(), ""))
	fmt.Println(dial(server.Listener.Addr().String(), "good"))
	// Output:
	// 401 Unauthorized: no connection is taken over
	// 101 Switching Protocols: "order 1" "order 2", then 1008 the access token has expired
}

// echo answers each message with the same, until the caller goes away or the
// token expires.
func echo(w http.ResponseWriter, r *http.Request) {
	conn, buffered, err := http.NewResponseController(w).Hijack() // or Upgrade, Accept of a WebSocket library
	if err != nil {
		return
	}
	defer conn.Close()
	stop := context.AfterFunc(r.Context(), func() { conn.SetReadDeadline(time.Now()) }) // wakes the loop below
	defer stop()

	fmt.Fprintf(buffered, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: %s\r\n\r\n",
		acceptKey(r.Header.Get("Sec-WebSocket-Key")))
	buffered.Flush()
	for {
		opcode, message, err := readFrame(buffered.Reader)
		if err != nil {
			break
		}
		writeFrame(conn, opcode, message, nil)
	}
	if errors.Is(context.Cause(r.Context()), middleware.ErrTokenExpired) {
		const policyViolation = 1008
		reason := binary.BigEndian.AppendUint16(nil, policyViolation)
		writeFrame(conn, closing, append(reason, "the access token has expired"...), nil)
	}
}

// dial opens a WebSocket, sends two messages and returns what came back.
func dial(address, token string) string {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return err.Error()
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(10 * time.Second))
	const key = "dGhlIHNhbXBsZSBub25jZQ=="
	fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: api\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\n", key)
	if token != "" {
		fmt.Fprintf(conn, "Authorization: Bearer %s\r\n", token)
	}
	fmt.Fprint(conn, "\r\n")
	from := bufio.NewReader(conn)
	res, err := http.ReadResponse(from, nil)
	if err != nil || res.StatusCode != http.StatusSwitchingProtocols || res.Header.Get("Sec-WebSocket-Accept") != acceptKey(key) {
		return fmt.Sprint(res.Status, ": no connection is taken over")
	}
	said := res.Status + ":"
	for _, order := range []string{"order 1", "order 2"} {
		writeFrame(conn, text, []byte(order), []byte{7, 1, 9, 4}) // a caller masks what it sends
		_, message, err := readFrame(from)
		if err != nil {
			return err.Error()
		}
		said += fmt.Sprintf(" %q", message)
	}
	opcode, message, err := readFrame(from) // waits for the end
	if err != nil || opcode != closing {
		return fmt.Sprint(said, ", then ", opcode, " ", err)
	}
	return fmt.Sprintf("%s, then %d %s", said, binary.BigEndian.Uint16(message), message[2:])
}

// shortLived verifies a token that is good for another second.
type shortLived struct{}

func (shortLived) Verify(_ context.Context, token string) (*claims.Claims, error) {
	if token != "good" {
		return nil, reason.BadSignature
	}
	return claims.Parse([]byte(`{"sub":"warehouse","scope":"orders.read","exp":4102444800}`), claims.DefaultMapping())
}

// Remaining is the one that counts: exp has whole seconds.
func (shortLived) Remaining(*claims.Claims) time.Duration { return time.Second }

// What follows is as much of RFC 6455 as short messages need. A WebSocket library
// does all of it.

const text, closing = 1, 8 // opcodes: https://www.rfc-editor.org/rfc/rfc6455#section-5.2

// acceptKey answers the key of a handshake.
//
// RFC 6455 section 4.2.2: https://www.rfc-editor.org/rfc/rfc6455#section-4.2.2
func acceptKey(key string) string {
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// writeFrame sends one message of at most 125 bytes, masked if there is a mask.
func writeFrame(to io.Writer, opcode byte, message, mask []byte) {
	const final, masked = 0x80, 0x80
	frame := []byte{final | opcode, byte(len(message))}
	if mask != nil {
		frame[1] |= masked
		frame = append(frame, mask...)
	}
	for i, b := range message {
		if mask != nil {
			b ^= mask[i%4]
		}
		frame = append(frame, b)
	}
	to.Write(frame)
}

func readFrame(from *bufio.Reader) (opcode byte, message []byte, err error) {
	var head [2]byte
	if _, err := io.ReadFull(from, head[:]); err != nil {
		return 0, nil, err
	}
	var mask [4]byte
	if head[1]&0x80 != 0 {
		if _, err := io.ReadFull(from, mask[:]); err != nil {
			return 0, nil, err
		}
	}
	message = make([]byte, head[1]&0x7f)
	if _, err := io.ReadFull(from, message); err != nil {
		return 0, nil, err
	}
	for i := range message {
		message[i] ^= mask[i%4]
	}
	return head[0] & 0x0f, message, nil
}
