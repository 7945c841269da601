//go:build !race

package middleware_test

// raceEnabled says that the race detector is on; it allocates on its own account.
const raceEnabled = false
