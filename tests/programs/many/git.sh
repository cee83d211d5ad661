# git: commits, a repack by threads, a check.
# packages: git
git init -q .
git config user.email nobody@example.org
git config user.name nobody
for i in 1 2 3 4 5 6 7 8; do
  for j in $(seq 40); do seq $((i * j)) $((i * j + 400)) > "file$j"; done
  git add -A
  git commit -q -m "commit $i"
done
git repack -adfq --threads=4
git fsck --no-progress && git log -p | grep -c '^[+-]'
git grep -c 77 | wc -l
