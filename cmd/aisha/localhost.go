package main

import (
	"net"
	"net/http"
	"os"
	"slices"
	"strings"

	"aisha/internal/fault"
	"aisha/internal/handler/guard"
	"aisha/internal/handler/wire"
)

// allowLocalHosts is middleware of `aisha dev`. It refuses requests whose Host
// header is a foreign name, because of DNS rebinding: an attacker's name can resolve
// to this machine, and then the browser takes the attacker's page and this server
// for the same origin. An address is no name, so any address is allowed.
//
// Webhooks are allowed under any name, because a tunnel delivers them under its own
// name, and each is signed or carries the verify token.
func allowLocalHosts(next http.Handler, names ...string) http.Handler {
	names = append(names, "localhost")
	if machine, err := os.Hostname(); err == nil {
		names = append(names, machine)
	}
	refuse := guard.RequestID(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		wire.WriteFailure(w, r, fault.New(fault.Forbidden, "aisha dev serves this machine only; to use another name, set HOST to it"))
	}))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !isAddressOrName(r.Host, names) && !strings.HasPrefix(r.URL.Path, "/webhook/") {
			refuse.ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// allowLocalHosts makes both servers of the app refuse requests under foreign names.
func (a *app) allowLocalHosts() {
	a.server.Handler = allowLocalHosts(a.server.Handler, a.cfg.Host)
	if a.metricsServer == nil {
		return
	}
	host, _, _ := net.SplitHostPort(a.cfg.MetricsAddr) // package config has checked it
	a.metricsServer.Handler = allowLocalHosts(a.metricsServer.Handler, host)
}

// isAddressOrName reports whether a Host header is an IP address or one of the
// names.
func isAddressOrName(header string, names []string) bool {
	host := header
	if name, _, err := net.SplitHostPort(header); err == nil {
		host = name
	}
	host = strings.TrimSuffix(host, ".")
	if net.ParseIP(strings.Trim(host, "[]")) != nil {
		return true
	}
	return slices.ContainsFunc(names, func(name string) bool { return name != "" && strings.EqualFold(name, host) })
}

// isLoopback reports whether only this machine reaches a server that listens on the
// host.
func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
