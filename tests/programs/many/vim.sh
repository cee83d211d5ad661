# Vim: changes, undone and done again.
# packages: vim-tiny
seq 50000 > text
vim.tiny -Nu NONE -es -c "%s/1/one/g" -c "sort!" -c "undo" -c "redo" -c "wq" text
md5sum < text
