# Emacs: a hash table, and a buffer that is sorted.
# packages: emacs-nox
emacs --batch --no-site-file --eval '
(let ((table (make-hash-table :test (quote equal))))
  (dotimes (i 200000) (puthash (format "k%d" (% i 5000)) (make-string (% i 200) ?x) table))
  (princ (hash-table-count table))
  (terpri))' --eval '
(with-temp-buffer
  (dotimes (i 50000) (insert (format "line %d\n" (% (* i 7919) 50000))))
  (sort-lines nil (point-min) (point-max))
  (princ (md5 (current-buffer)))
  (terpri))' 2> /dev/null
