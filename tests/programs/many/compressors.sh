# xz, zstd, pigz, 7zip: large buffers, and threads.
# packages: xz-utils zstd pigz p7zip-full
head -c 20000000 "$(readlink -f "$(command -v perl)")" > in
for i in 1 2 3; do cat in in > twice && mv twice in; done
head -c 20000000 in > data
for tool in "xz -T4 -2" "zstd -T4 -9" pigz; do $tool -c data | $tool -dc | md5sum; done
7zr a -mx3 -mmt4 data.7z data > /dev/null && 7zr e -so data.7z 2> /dev/null | md5sum
