package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// findMisspelt returns the name of ours that each of the given names probably
// means. Names that are ours or that resemble none of ours are left out.
func findMisspelt(names, ours []string) map[string]string {
	meant := map[string]string{}
	for _, name := range names {
		if slices.Contains(ours, name) {
			continue
		}
		if similar := mostSimilar(name, ours); similar != "" {
			meant[name] = similar
		}
	}
	return meant
}

// mostSimilar returns the name of ours that the name resembles most, or nothing.
// A foreign name is close to a short one by chance, as PORTAL is to PORT, so the
// shorter the name, the fewer letters may differ.
func mostSimilar(name string, ours []string) string {
	upper := strings.ToUpper(name)
	if isForeign(upper) {
		return ""
	}
	best, distance := "", len(name)+len(slices.MaxFunc(ours, func(a, b string) int { return len(a) - len(b) }))
	for _, candidate := range ours {
		if d := editDistance(upper, candidate); d < distance || d == distance && len(candidate) > len(best) {
			best, distance = candidate, d
		}
	}
	allowed := 2
	switch {
	case len(best) < 6:
		allowed = 0
	case len(best) < 10:
		allowed = 1
	}
	if distance <= allowed || hasOurPrefix(upper) {
		return best
	}
	return ""
}

// hasOurPrefix reports whether a name begins like variables of ours and like no
// others that are usual in containers.
func hasOurPrefix(name string) bool {
	return slices.ContainsFunc([]string{"ASSISTANT_", "GEMINI_", "RATE_LIMIT_", "REFERRAL_", "RETAIN_", "WHATSAPP_"}, func(prefix string) bool {
		return strings.HasPrefix(name, prefix)
	})
}

// isForeign reports whether other software sets the name: Kubernetes sets
// NAME_SERVICE_HOST, NAME_PORT_80_TCP and the like for a service with any name,
// and tools of Google set GEMINI_CLI variables.
func isForeign(name string) bool {
	if strings.Contains(name, "_SERVICE_HOST") || strings.Contains(name, "_SERVICE_PORT") || strings.Contains(name, "_PORT_") {
		return true
	}
	return strings.HasSuffix(name, "_PORT") && hasOurPrefix(name) || strings.HasPrefix(name, "GEMINI_CLI") || name == "DATABASE_SSL"
}

// warnMisspelt warns of each variable whose name resembles one of ours.
func (p *parser) warnMisspelt(names []string, ours []string) {
	p.misspelt = findMisspelt(names, ours)
	for _, name := range slices.Sorted(maps.Keys(p.misspelt)) {
		p.warn(fmt.Sprintf("%s is set but not used: did you mean %s?", name, p.misspelt[name]))
	}
}

// rejectMisspelt adds the misspelt names to the problems, because they may be the
// cause of the others.
func (p *parser) rejectMisspelt() {
	for _, name := range slices.Sorted(maps.Keys(p.misspelt)) {
		p.reject(name, fmt.Sprintf("is not used: did you mean %s?", p.misspelt[name]))
	}
}

// editDistance returns how many letters must be inserted, removed, replaced or
// swapped with their neighbour to turn a into b.
func editDistance(a, b string) int {
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			replace := rows[i-1][j-1]
			if a[i-1] != b[j-1] {
				replace++
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, replace)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}
