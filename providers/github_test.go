package providers_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/providers"
	"github.com/sallyport-go/sallyport/reason"
)

const (
	githubIssuer = "https://token.actions.githubusercontent.com"
	exampleAPI   = "https://api.example.com"
	workflow     = "octo/ci/.github/workflows/x.yml@refs/heads/main"
)

var commit = strings.Repeat("1", 40)

func TestGitHubActionsSamples(t *testing.T) {
	t.Parallel()
	for name, jobs := range map[string]providers.GitHubJobs{
		"by repository":        {Repositories: []string{"456"}},
		"by owner":             {Owners: []string{"123"}},
		"by both":              {Owners: []string{"7", "123"}, Repositories: []string{"456", "8"}},
		"by a workflow's ref":  {Owners: []string{"123"}, Workflows: []string{workflow}},
		"by a workflow's file": {Repositories: []string{"456"}, Workflows: []string{commit}},
	} {
		w := newServer(t, githubIssuer, providers.GitHubActions(jobs, exampleAPI))
		assert.Equal(t, seen{Client: "456", Caller: claims.CallerApp}, w.look(t, "github-actions"), name)
	}
}

func TestGitHubActionsOfAnEnterprise(t *testing.T) {
	t.Parallel()
	const issuer = "https://github.acme.example/_services/token"
	w := newServer(t, issuer, providers.GitHubActions(providers.GitHubJobs{Issuer: issuer, Repositories: []string{"456"}}, exampleAPI))
	assert.Equal(t, "456", w.look(t, "github-actions", jwkstest.Claims{"iss": issuer}).Client)
	assert.Equal(t, reason.UnknownIssuer, w.look(t, "github-actions").Reason, "the ids of github.com are others")
}

func TestGitHubActionsTraps(t *testing.T) {
	t.Parallel()
	w := newServer(t, githubIssuer, providers.GitHubActions(providers.GitHubJobs{Repositories: []string{"456"}, Owners: []string{"123"}, Workflows: []string{workflow}}, exampleAPI))
	w.refuses(t, "github-actions", map[string]trap{
		"the default audience":                     {sample: "github-actions-default", want: reason.WrongAudience, hint: "by core.getIDToken(AUDIENCE)"},
		"an audience of a cloud":                   {change: jwkstest.WithAudience("sts.amazonaws.com"), want: reason.WrongAudience, hint: "for another API"},
		"another repository that took the name":    {change: jwkstest.Claims{"repository_id": "999"}, want: reason.WrongClient, hint: "add its id to the repositories"},
		"another owner that took the name":         {change: jwkstest.Claims{"repository_owner_id": "999"}, want: reason.WrongClient, hint: "add the id to the owners"},
		"another workflow":                         {change: jwkstest.Claims{"job_workflow_ref": "octo/ci/.github/workflows/y.yml@refs/heads/main"}, want: reason.WrongClient, hint: "add its job_workflow_ref"},
		"the workflow of another branch":           {change: jwkstest.Claims{"job_workflow_ref": "octo/ci/.github/workflows/x.yml@refs/heads/evil"}, want: reason.WrongClient, hint: "another ref of it"},
		"the workflow of a branch that begins so":  {change: jwkstest.Claims{"job_workflow_ref": workflow + "-2"}, want: reason.WrongClient, hint: "another ref of it"},
		"no workflow":                              {change: jwkstest.Claims{"job_workflow_ref": nil}, want: reason.MissingClaim, hint: "add its job_workflow_ref"},
		"no repository":                            {change: jwkstest.Claims{"repository_id": nil}, want: reason.MissingClaim, hint: "add its id to the repositories"},
		"no owner":                                 {change: jwkstest.Claims{"repository_owner_id": nil}, want: reason.MissingClaim, hint: "add the id to the owners"},
		"the id as a number, which GitHub has not": {change: jwkstest.Claims{"repository_id": 456}, want: reason.MalformedClaims, hint: "repository_id"},
		"an algorithm that GitHub does not use":    {change: jwkstest.WithAlgorithm("ES256"), want: reason.UnsupportedAlg, hint: `Add "ES256"`},
	})
	byCommit := newServer(t, githubIssuer, providers.GitHubActions(providers.GitHubJobs{Repositories: []string{"456"}, Workflows: []string{commit}}, exampleAPI))
	byCommit.refuses(t, "github-actions", map[string]trap{
		"the workflow of another commit": {change: jwkstest.Claims{"job_workflow_sha": strings.Repeat("2", 40)}, want: reason.WrongClient, hint: "of another commit"},
	})
}

func TestGitHubActionsMistakes(t *testing.T) {
	t.Parallel()
	repository := []string{"456"}
	for name, row := range map[string]struct {
		jobs      providers.GitHubJobs
		audiences []string
		says      string
	}{
		"any job":                   {providers.GitHubJobs{}, []string{exampleAPI}, "Repositories is not set: give the id of each repository that may call (gh api repos/OWNER/NAME --jq .id), or Owners"},
		"workflows alone":           {providers.GitHubJobs{Workflows: []string{workflow}}, []string{exampleAPI}, "Repositories is not set"},
		"a repository by its name":  {providers.GitHubJobs{Repositories: []string{"octo/api"}}, []string{exampleAPI}, `Repositories: "octo/api": give the id, which is a number (gh api repos/OWNER/NAME --jq .id), since a name can be taken over`},
		"an owner by its name":      {providers.GitHubJobs{Owners: []string{"octo"}}, []string{exampleAPI}, `Owners: "octo": give the id, which is a number (gh api users/OWNER --jq .id)`},
		"an empty id":               {providers.GitHubJobs{Owners: []string{""}}, []string{exampleAPI}, `Owners: "": give the id`},
		"a workflow by its file":    {providers.GitHubJobs{Repositories: repository, Workflows: []string{"deploy.yml"}}, []string{exampleAPI}, `Workflows: "deploy.yml": give the whole job_workflow_ref`},
		"a workflow without a ref":  {providers.GitHubJobs{Repositories: repository, Workflows: []string{"octo/ci/.github/workflows/x.yml"}}, []string{exampleAPI}, "give the whole job_workflow_ref"},
		"a workflow of any ref":     {providers.GitHubJobs{Repositories: repository, Workflows: []string{"octo/ci/.github/workflows/x.yml@*"}}, []string{exampleAPI}, "give the whole job_workflow_ref"},
		"a commit that is cut":      {providers.GitHubJobs{Repositories: repository, Workflows: []string{"1111111"}}, []string{exampleAPI}, "or the commit's id in full"},
		"a ref and a commit":        {providers.GitHubJobs{Repositories: repository, Workflows: []string{workflow, commit}}, []string{exampleAPI}, "refs and commit ids cannot be mixed"},
		"no audience":               {providers.GitHubJobs{Repositories: repository}, nil, "audiences is not set"},
		"the default audience":      {providers.GitHubJobs{Repositories: repository}, []string{"https://github.com/octo"}, `audiences: "https://github.com/octo" is what every job of that owner has without asking`},
		"the default of ghe.com":    {providers.GitHubJobs{Repositories: repository, Issuer: "https://token.actions.acme.ghe.com"}, []string{"https://acme.ghe.com/octo"}, "without asking"},
		"the default of a server":   {providers.GitHubJobs{Repositories: repository, Issuer: "https://ghes.example/_services/token"}, []string{"https://ghes.example/octo"}, "without asking"},
		"all of it at once, by far": {providers.GitHubJobs{Owners: []string{"octo"}, Workflows: []string{"x"}}, nil, "audiences is not set"},
	} {
		p := providers.GitHubActions(row.jobs, row.audiences...)
		assert.ErrorContains(t, p.Err, row.says, name)
		assert.Empty(t, p.Issuers, name)
	}
}

// Ids say who may call, since a name can be taken over by others.
func ExampleGitHubActions() {
	p := providers.GitHubActions(providers.GitHubJobs{Repositories: []string{"456"}}, "https://api.example.com")
	fmt.Println(p.Issuers[0].Tokens.Name, p.Issuers[0].Tokens.Limits[0].Claims, p.Issuers[0].Tokens.Limits[0].Values)

	fmt.Println(providers.GitHubActions(providers.GitHubJobs{Repositories: []string{"octo/api"}}, "https://api.example.com").Err)
	// Output:
	// https://token.actions.githubusercontent.com [[repository_id]] [456]
	// providers: GitHubActions: Repositories: "octo/api": give the id, which is a number (gh api repos/OWNER/NAME --jq .id), since a name can be taken over
}
