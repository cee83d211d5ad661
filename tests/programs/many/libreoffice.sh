# LibreOffice: a table becomes a spreadsheet, and that a page.
# packages: libreoffice-calc-nogui
export HOME=$PWD
for i in $(seq 3000); do echo "$i,=A$i*2,text $i"; done > table.csv
soffice --headless --convert-to xlsx table.csv > /dev/null 2>&1
soffice --headless --convert-to pdf table.xlsx > /dev/null 2>&1
ls table.xlsx table.pdf
