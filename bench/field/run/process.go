package run

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/sallyport-go/sallyport/bench/field/drivers"
)

// Process is a library of another language: a program that is run with the directory of the corpus, and writes a line
// with its version and one for each case.
type Process struct {
	drivers.Library

	Dir     string // below bench/field
	Command []string
	Install string // how to get what it needs
}

// ErrMissing means that a program, or the library, is not on this machine.
var ErrMissing = errors.New("field: not installed")

// Run asks the library about every case. dir is bench/field.
func (p *Process) Run(ctx context.Context, dir, corpus string) (version string, answers map[string]Answer, err error) {
	program, err := exec.LookPath(p.Command[0])
	if err != nil {
		return "", nil, fmt.Errorf("%w: %s: %w", ErrMissing, p.Name, err)
	}
	corpus, err = filepath.Abs(corpus)
	if err != nil {
		return "", nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, program, append(p.Command[1:len(p.Command):len(p.Command)], corpus)...) //nolint:gosec // G204: of the list below
	c.Dir = filepath.Join(dir, p.Dir)
	var stderr bytes.Buffer
	c.Stderr = &stderr
	out, err := c.Output()
	if err != nil && len(out) == 0 {
		return "", nil, fmt.Errorf("%w: %s: %w: %.300s", ErrMissing, p.Name, err, stderr.Bytes())
	}
	if err != nil {
		return "", nil, fmt.Errorf("field: %s: %w: %.300s", p.Name, err, stderr.Bytes())
	}
	answers = map[string]Answer{}
	scanner := bufio.NewScanner(bytes.NewReader(out))
	for scanner.Scan() {
		var line struct{ Version, Name, Answer string }
		if err := json.Unmarshal(scanner.Bytes(), &line); err != nil {
			return "", nil, fmt.Errorf("field: %s wrote %.80q: %w", p.Name, scanner.Bytes(), err)
		}
		if line.Version != "" {
			version = line.Version
			continue
		}
		answers[line.Name] = Answer(line.Answer)
	}
	return version, answers, scanner.Err()
}

// python is Debian's own, which has Debian's packages; another one may come first on the path.
func python() string {
	if _, err := os.Stat("/usr/bin/python3"); err == nil {
		return "/usr/bin/python3"
	}
	return "python3"
}

// kinds are what no library here checks by itself unless it is told to, in ways that not every policy can be told in.
var kinds = drivers.Cases{"typ", "cnf"}

// Processes are the libraries of other languages.
var Processes = []Process{
	{
		Library: drivers.Library{Name: "jose (npm)", Page: "https://github.com/panva/jose/blob/main/docs/jwt/verify/functions/jwtVerify.md", Caller: kinds},
		Dir:     "npm", Command: []string{"node", "jose.mjs"}, Install: "Node 20.19, and npm ci in bench/field/npm",
	},
	{
		Library: drivers.Library{
			Name: "jsonwebtoken with jwks-rsa (npm)", Page: "https://github.com/auth0/node-jsonwebtoken#readme", Caller: kinds, Lacks: "EdDSA",
			Note: "EdDSA is not implemented.",
		},
		Dir: "npm", Command: []string{"node", "jsonwebtoken.mjs"}, Install: "Node 20.19, and npm ci in bench/field/npm",
	},
	{
		Library: drivers.Library{
			Name: "fast-jwt (npm)", Page: "https://github.com/nearform/fast-jwt#readme", Caller: append(kinds[:2:2], "jwks", "alg: signed with", "key: one that"),
			Note: "Which key of a set a token is checked with, and what that key is for, is the caller's.",
		},
		Dir: "npm", Command: []string{"node", "fast-jwt.mjs"}, Install: "Node 20.19, and npm ci in bench/field/npm",
	},
	{
		Library: drivers.Library{
			Name: "express-oauth2-jwt-bearer (npm)", Page: "https://github.com/auth0/node-oauth2-jwt-bearer#readme", Caller: drivers.Cases{"cnf", "typ"},
			Note: "One algorithm can be expected, so that a policy of several is tried with the token's own.",
		},
		Dir: "npm", Command: []string{"node", "express-oauth2-jwt-bearer.mjs"}, Install: "Node 20.19, and npm ci in bench/field/npm",
	},
	{
		Library: drivers.Library{
			Name: "PyJWT (Debian)", Page: "https://pyjwt.readthedocs.io/en/2.6.0/usage.html", Caller: append(kinds[:2:2], "alg: signed with", "key: one that"),
			Note: "Which key a token is checked with is the caller's, who finds it by kid here, as its own PyJWKClient does. What a key is for is not compared, and so the caller's too.",
		},
		Dir: "debian", Command: []string{python(), "pyjwt.py"}, Install: "apt-get install python3-jwt",
	},
	{
		Library: drivers.Library{Name: "Authlib (Debian)", Page: "https://docs.authlib.org/en/v1.2.0/jose/jwt.html", Caller: kinds},
		Dir:     "debian", Command: []string{python(), "authlib_jose.py"}, Install: "apt-get install python3-authlib",
	},
	{
		Library: drivers.Library{
			Name: "python-jose (Debian)", Page: "https://python-jose.readthedocs.io/en/latest/jwt/index.html", Caller: kinds, Lacks: "EdDSA",
			Note: "EdDSA is not implemented.",
		},
		Dir: "debian", Command: []string{python(), "python_jose.py"}, Install: "apt-get install python3-jose",
	},
	{
		Library: drivers.Library{
			Name: "ruby-jwt (Debian)", Page: "https://github.com/jwt/ruby-jwt/blob/v2.5.0/README.md", Caller: kinds, Lacks: "EdDSA",
			Note: "EdDSA needs another library, which is not installed.",
		},
		Dir: "debian", Command: []string{"ruby", "ruby_jwt.rb"}, Install: "apt-get install ruby ruby-jwt",
	},
	{
		Library: drivers.Library{Name: "Crypt::JWT (Debian)", Page: "https://metacpan.org/release/MIK/Crypt-JWT-0.034/view/lib/Crypt/JWT.pm", Caller: kinds},
		Dir:     "debian", Command: []string{"perl", "crypt_jwt.pl"}, Install: "apt-get install libcrypt-jwt-perl",
	},
	{
		Library: drivers.Library{
			Name: "cjose (Debian)", Page: "https://github.com/OpenIDC/cjose#readme", Lacks: "EdDSA",
			Note: "It checks signatures, by a key that its caller finds, here by kid. Claims are the caller's, and what a key is for. EdDSA is not implemented.",
			Caller: append(kinds[:2:2], "aud", "iss", "times", "kind", "types", "payload: ", "key: one that", "jwks: for ", "alg: signed with",
				"names: A", "names: E", "names: I", "names: a "),
		},
		Dir: "debian", Command: []string{"sh", "cjose.sh"}, Install: "apt-get install gcc libc6-dev libssl-dev libcjose-dev libjansson-dev",
	},
}
