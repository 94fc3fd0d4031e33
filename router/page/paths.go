package page

import "strings"

// shortPath is a path within a directory, as seen from there. Anything else stays as
// it is. assets/looks.js does the same for rows that arrive later.
func shortPath(path, directory string) string {
	if directory == "" || directory == "/" {
		return path
	}
	if rest, within := strings.CutPrefix(path, strings.TrimSuffix(directory, "/")+"/"); within && rest != "" {
		return rest
	}
	return path
}
