package main

import (
	"bufio"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

// asProgram has this test binary be the program instead.
const asProgram = "ORDERS_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
		return
	}
	goleak.VerifyTestMain(m)
}

func TestSignalsDrainAndEndTheProgram(t *testing.T) {
	t.Parallel()
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			program := exec.Command(os.Args[0], "-addr", "127.0.0.1:0", "-auth-addr", "127.0.0.1:0")
			program.Env = append(os.Environ(), asProgram+"=1")
			log, err := program.StderrPipe()
			require.NoError(t, err)
			require.NoError(t, program.Start())
			defer program.Process.Kill()

			lines := bufio.NewReader(log)
			url := regexp.MustCompile(`msg="serving orders" url=(\S+)`)
			var found []string
			for len(found) == 0 {
				line, err := lines.ReadString('\n')
				require.NoError(t, err, "the log ended")
				found = url.FindStringSubmatch(line)
			}
			res, err := http.Get(found[1] + "/healthz")
			require.NoError(t, err)
			require.NoError(t, res.Body.Close())
			assert.Equal(t, http.StatusOK, res.StatusCode)
			http.DefaultClient.CloseIdleConnections()

			begun := time.Now()
			require.NoError(t, program.Process.Signal(signal))
			rest, err := io.ReadAll(lines)
			require.NoError(t, err)
			assert.NoError(t, program.Wait(), "exit status")
			assert.Less(t, time.Since(begun), 5*time.Second)
			assert.Contains(t, string(rest), "ending, requests under way are finished first")
		})
	}
}
