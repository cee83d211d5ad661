# clang (LLVM): a file of much C++.
# packages: clang
{
  printf '#include <%s>\n' algorithm iostream map memory regex string thread unordered_map vector
  for i in $(seq 60); do
    echo "template <class T> T f$i(T t) { std::map<T, std::vector<T>> m; m[t].push_back(t); return m.size(); }"
    echo "int g$i() { return f$i($i) + int(f$i(${i}L)); }"
  done
} > many.cc
clang++ -O2 -std=c++20 -c many.cc -o many.o && nm -C many.o | grep -c ' T g'
