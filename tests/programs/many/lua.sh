# Lua: all its blocks go by realloc.
# packages: lua5.4
lua5.4 -e '
local kept, n = {}, 0
for i = 1, 1000000 do kept[i % 5000] = ("x"):rep(i % 100) .. i end
for _, text in pairs(kept) do n = n + #text end
print(n)'
