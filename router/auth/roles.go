package auth

import (
	"bufio"
	"bytes"
	"fmt"
	"strings"

	"jrweb/router"
)

// roles are the roles of people by name, and of groups by name with an @ in front.
type roles map[string]router.Role

// parseRoles reads a file of roles: name:role or @group:role on each line, and comments. A
// name may contain colons; the role comes after the last one.
func parseRoles(text []byte) (roles, error) {
	all := roles{}
	lines := bufio.NewScanner(bytes.NewReader(text))
	for number := 1; lines.Scan(); number++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		i := strings.LastIndexByte(line, ':')
		if i <= 0 || line[:i] == "@" {
			return nil, fmt.Errorf("line %d: a line is name:role or @group:role", number)
		}
		role, err := router.ParseRole(line[i+1:])
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
		if _, twice := all[line[:i]]; twice {
			return nil, fmt.Errorf("line %d: %q has a role already", number, line[:i])
		}
		all[line[:i]] = role
	}
	return all, lines.Err()
}

// of returns the highest role of a person and its groups, or RoleNone.
func (r roles) of(name string, groups []string) router.Role {
	role := r[name]
	if strings.HasPrefix(name, "@") {
		role = router.RoleNone // a person must not pass for a group
	}
	for _, group := range groups {
		role = max(role, r["@"+group])
	}
	return role
}
