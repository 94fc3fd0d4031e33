package page

import (
	"fmt"
	"html/template"
	"io"
)

// ProblemPage is what a person sees who asked for a page and cannot have it.
type ProblemPage struct {
	Title, Detail string
	// Root leads to the mount, relative to the page.
	Root template.URL
}

// Problem writes the page of an error.
func Problem(w io.Writer, p ProblemPage) error {
	if err := templates.ExecuteTemplate(w, "problem.html", p); err != nil {
		return fmt.Errorf("page: problem: %w", err)
	}
	return nil
}
