package providers

import (
	"cmp"
	"errors"
	"net/url"
	"slices"
	"strings"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/internal/setting"
	"github.com/sallyport-go/sallyport/verifier"
)

// GitHubJobs are whose jobs may call. Every job on GitHub can get a token for any
// audience, so that Repositories or Owners are needed; of the lists that are
// given each must hold. The zero value is refused.
//
// Repositories and owners are ids and not names: who gives a name up, or renames
// a repository, leaves it to the next one who takes it.
type GitHubJobs struct {
	_ [0]func() // keyed literals only

	// Issuer is "" for github.com. GitHub Enterprise Server writes
	// https://HOST/_services/token, an enterprise may have its own behind that
	// of github.com.
	Issuer string
	// Repositories are the ids of repositories: gh api repos/OWNER/NAME --jq .id
	Repositories []string
	// Owners are the ids of organisations and users: gh api users/OWNER --jq .id
	Owners []string
	// Workflows are the workflow files that may call: all by job_workflow_ref, as
	// in octo/ci/.github/workflows/deploy.yml@refs/heads/main, or all by
	// job_workflow_sha, the id of a commit: every workflow file of that commit may
	// call then, for the claim does not say which it is.
	Workflows []string
}

const githubIssuer = "https://token.actions.githubusercontent.com"

// GitHubActions returns a Provider that expects the ID tokens of jobs of GitHub
// Actions. audiences are what the workflow asks for, which must be your own: the
// default, https://github.com/OWNER, is in the tokens that a job sends to
// everybody else.
//
// The client, for [claims.ClientIn], is the id of the repository. Ref,
// environment and event are claims for rules ([claims.Equals]).
//
// GitHub, OpenID Connect reference: https://docs.github.com/actions/reference/security/oidc
//
// [claims.ClientIn]: https://pkg.go.dev/github.com/sallyport-go/sallyport/claims#ClientIn
// [claims.Equals]: https://pkg.go.dev/github.com/sallyport-go/sallyport/claims#Equals
func GitHubActions(jobs GitHubJobs, audiences ...string) Provider {
	issuer := cmp.Or(jobs.Issuer, githubIssuer)
	if err := errors.Join(jobs.mistake(), checkAudiences(audiences), checkOwnAudience(issuer, audiences)); err != nil {
		return failed("GitHubActions", err)
	}
	return Provider{Issuers: []Issuer{{
		Tokens: verifier.Issuer{
			Name:       issuer,
			Audiences:  slices.Clone(audiences),
			Algorithms: []string{"RS256"},
			Types:      []string{"JWT"},
			Required:   []string{"repository_id", "repository_owner_id"},
			Limits:     jobs.limits(),
			Claims: claims.Mapping{
				Scopes:      []claims.Source{},
				Roles:       []claims.Source{},
				Permissions: []claims.Source{},
				ClientID:    []claims.Path{{"repository_id"}},
				Caller:      []claims.Evidence{{Is: claims.CallerApp, Present: []string{"repository_id"}}},
			},
			Hints: hints(githubHints()),
		},
		Source: Source{Issuer: issuer},
	}}}
}

func githubNamed(s Settings) Provider {
	return GitHubActions(GitHubJobs{Issuer: s.Issuer, Repositories: s.Repositories, Owners: s.Owners, Workflows: s.Workflows}, s.Audiences...)
}

func (j *GitHubJobs) limits() (limits []verifier.Limit) {
	if len(j.Owners) > 0 {
		limits = append(limits, only(j.Owners, "repository_owner_id"))
	}
	if len(j.Repositories) > 0 {
		limits = append(limits, only(j.Repositories, "repository_id"))
	}
	if len(j.Workflows) > 0 {
		claim := "job_workflow_ref"
		if isCommit(j.Workflows[0]) {
			claim = "job_workflow_sha"
		}
		limits = append(limits, only(j.Workflows, claim))
	}
	return limits
}

func (j *GitHubJobs) mistake() error {
	var problems []error
	if len(j.Repositories)+len(j.Owners) == 0 {
		problems = append(problems, setting.Errorf("%s is not set: give the id of each repository that may call (gh api repos/OWNER/NAME --jq .id), or %s: every job on GitHub can get a token for any audience", nameRepositories, nameOwners))
	}
	ids := func(name setting.Name, values []string, command string) {
		for _, id := range values {
			if id == "" || strings.Trim(id, "0123456789") != "" {
				problems = append(problems, setting.Errorf("%s: %.100q: give the id, which is a number (%s), since a name can be taken over", name, id, command))
			}
		}
	}
	ids(nameRepositories, j.Repositories, "gh api repos/OWNER/NAME --jq .id")
	ids(nameOwners, j.Owners, "gh api users/OWNER --jq .id")
	for _, w := range j.Workflows {
		_, rest, ok := strings.Cut(w, "/.github/workflows/")
		file, ref, at := strings.Cut(rest, "@")
		switch {
		case isCommit(w) != isCommit(j.Workflows[0]):
			problems = append(problems, setting.Errorf("%s: refs and commit ids cannot be mixed: %.100q", nameWorkflows, w))
		case isCommit(w):
		case !ok || !at || file == "" || ref == "" || strings.Contains(w, "*"):
			problems = append(problems, setting.Errorf("%s: %.100q: give the whole job_workflow_ref, as in octo/ci/.github/workflows/deploy.yml@refs/heads/main, or the commit's id in full", nameWorkflows, w))
		}
	}
	return errors.Join(append(problems, setting.CheckList(nameWorkflows, j.Workflows))...)
}

// isCommit reports whether s is the id of a commit, by SHA-1 or SHA-256.
func isCommit(s string) bool {
	return (len(s) == 40 || len(s) == 64) && strings.Trim(s, "0123456789abcdef") == ""
}

// checkOwnAudience reports an audience that a job has without asking for one.
func checkOwnAudience(issuer string, audiences []string) error {
	host := ""
	if u, err := url.Parse(issuer); err == nil {
		host = strings.TrimPrefix(u.Host, "token.actions.") // of SUBDOMAIN.ghe.com
	}
	for _, aud := range audiences {
		if strings.HasPrefix(aud, "https://github.com/") || host != "" && strings.HasPrefix(aud, "https://"+host+"/") {
			return setting.Errorf("%s: %.200q is what every job of that owner has without asking, and sends to others too: choose an audience of your own, and have the workflow ask for it", nameAudiences, aud)
		}
	}
	return nil
}

// githubHints are what a refusal means at GitHub.
func githubHints() map[string]string {
	return with(lacking("GitHub's tokens grant nothing: let the rule ask which job calls, by claims such as repository_id, ref or environment."), map[string]string{
		"aud:https://github.com/*":  "The job asked for no audience of its own: have the workflow ask for this API's, by core.getIDToken(AUDIENCE) or &audience=AUDIENCE behind ACTIONS_ID_TOKEN_REQUEST_URL.",
		"claim:repository_id":       "This repository may not call: add its id to the repositories if its jobs may (gh api repos/OWNER/NAME --jq .id).",
		"claim:repository_owner_id": "The owner of this repository may not call: add the id to the owners if its jobs may (gh api users/OWNER --jq .id).",
		"claim:job_workflow_ref":    "Another workflow, or another ref of it, runs this job: add its job_workflow_ref to the workflows if it may call.",
		"claim:job_workflow_sha":    "The workflow of this job is of another commit: add its job_workflow_sha to the workflows if it may call.",
	})
}
