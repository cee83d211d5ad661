# Guile: a collector that scans, and threads.
# packages: guile-3.0
guile --no-auto-compile -c '
(use-modules (ice-9 threads))
(define (work seed)
  (let loop ((i 0) (kept (quote ())))
    (if (= i 300000)
        (length kept)
        (loop (+ i 1) (if (= 0 (modulo i 5000)) (quote ()) (cons (number->string i) kept))))))
(display (apply + (par-map work (iota 8))))
(newline)'
