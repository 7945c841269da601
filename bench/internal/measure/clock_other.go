//go:build !unix

package measure

import "time"

var started = time.Now()

// Clock is the time of day where there is no other.
func Clock() time.Duration { return time.Since(started) }
