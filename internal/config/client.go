package config

import (
	"slices"

	"aisha/internal/sensitive"
)

// Client is the configuration of the commands that call the API of a running service.
type Client struct {
	URL        string // of the API, without a slash at the end; empty: the service on this machine
	Host       string // where the service on this machine listens
	Port       int
	AdminToken sensitive.Secret // empty: not set
}

// LoadClient reads what a command needs to call the API. It ignores problems of other
// variables, except that the file .env cannot be read. The error has the type
// [Problems].
func LoadClient() (Client, error) {
	var reader, p parser
	env := reader.readEnvironment()
	used := []string{dotEnvFile, env.AdminToken.name, env.AdminToken.name + "_FILE"}
	p.problems = slices.DeleteFunc(reader.problems, func(problem Problem) bool { return !slices.Contains(used, problem.Name) })
	client := Client{
		URL:        p.url(env.URL),
		Host:       env.Host.value,
		Port:       p.number(env.Port, 0, maxPort),
		AdminToken: p.secret(env.AdminToken),
	}
	if len(p.problems) > 0 {
		return Client{}, p.problems
	}
	return client, nil
}
