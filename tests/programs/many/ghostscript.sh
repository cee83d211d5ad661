# Ghostscript: a page of text and curves, drawn.
# packages: ghostscript fonts-urw-base35
gs -q -dNOPAUSE -dBATCH -sDEVICE=png16m -r100 -sOutputFile=page.png -c '
/Times-Roman findfont 20 scalefont setfont
0 1 200 { dup 3 mul 20 add exch 7 mul 600 mod 20 add moveto (hello world) show } for
0 5 500 { newpath 300 400 3 -1 roll 0 360 arc stroke } for showpage'
md5sum < page.png
