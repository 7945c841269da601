//go:build !unix

package attack

import (
	"os/exec"
	"strconv"
)

// ownGroup does nothing: taskkill finds the children by their parent.
func ownGroup(*exec.Cmd) {}

// interrupt does nothing: a console program of Windows cannot be asked from outside its console.
func interrupt(cmd *exec.Cmd) { kill(cmd) }

// kill ends a command and its children.
func kill(cmd *exec.Cmd) {
	_ = exec.Command("taskkill", "/T", "/F", "/PID", strconv.Itoa(cmd.Process.Pid)).Run() //nolint:gosec,noctx // it ends by itself
	_ = cmd.Process.Kill()
}
