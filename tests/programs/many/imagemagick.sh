# ImageMagick: filters by OpenMP's threads.
# packages: imagemagick
convert -size 1200x1200 gradient:red-blue a.png
convert a.png -resize 50% -blur 0x4 -rotate 30 -sharpen 0x2 b.jpg
identify -format '%w %h\n' b.jpg
