# R: matrices, a merge, forked workers.
# packages: r-base-core
Rscript -e '
set.seed(1)
cat(sum(sapply(1:200, function(i) is.finite(solve(matrix(rnorm(10000), 100))[1]))), "\n")
table <- data.frame(a = sample(1e5), b = rnorm(1e5))
cat(nrow(merge(table, table, by = "a")), nchar(paste(1:1e5, collapse = ",")), "\n")
cat(sum(unlist(parallel::mclapply(1:8, function(i) sum(sort(runif(1e5)) >= 0), mc.cores = 4))), "\n")'
