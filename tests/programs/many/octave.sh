# Octave: numbers in C++ and Fortran.
# packages: octave
octave-cli --no-window-system --eval '
good = 0;
for i = 1:60
  a = rand(150);
  [u, s, v] = svd(a);
  good += norm(u * s * v'"'"' - a) < 1e-8;
end
texts = cell(1, 20000);
for i = 1:20000
  texts{i} = repmat("x", 1, mod(i, 200));
end
printf("%d %d\n", good, numel([texts{:}]));'
