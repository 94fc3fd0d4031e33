package router

import "net/http"

// asset makes a handler of a file server, whose errors are plain text.
func asset(files http.Handler) handler {
	return func(w http.ResponseWriter, r *http.Request, _ params) error {
		a := &assetWriter{ResponseWriter: w}
		files.ServeHTTP(a, r)
		switch a.refused {
		case 0:
			return nil
		case http.StatusNotFound:
			return errNoRoute
		}
		return newProblem(a.refused, "asset", http.StatusText(a.refused), "the file cannot be served as it was asked for")
	}
}

// assetWriter holds back an error of the file server.
type assetWriter struct {
	http.ResponseWriter
	refused int
}

// WriteHeader implements [http.ResponseWriter].
func (w *assetWriter) WriteHeader(status int) {
	if status >= http.StatusBadRequest {
		w.refused = status
		return
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write implements [http.ResponseWriter].
func (w *assetWriter) Write(p []byte) (int, error) {
	if w.refused != 0 {
		return len(p), nil
	}
	return w.ResponseWriter.Write(p)
}
