package page_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"

	"jrweb/router/page"
)

func Example() {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /jr/{$}", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", page.ContentSecurityPolicy)
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		if err := page.List(w, page.ListPage{}); err != nil {
			fmt.Println(err)
		}
	})
	mux.Handle("GET /jr/assets/", http.StripPrefix("/jr/assets/", page.Assets()))

	for _, path := range []string{"/jr/", "/jr/assets/app.css"} {
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		fmt.Println(w.Code, w.Header().Get("Content-Type"))
	}
	// Output:
	// 200 text/html; charset=utf-8
	// 200 text/css; charset=utf-8
}
