# CMake: a project of a thousand targets.
# packages: cmake ninja-build
{
  echo 'cmake_minimum_required(VERSION 3.20)'
  echo 'project(many NONE)'
  for i in $(seq 1000); do echo "add_custom_target(t$i COMMAND true DEPENDS ${i}_of_many)"; done
} > CMakeLists.txt
cmake -G Ninja -S . -B build > /dev/null && grep -c '^build t' build/build.ninja
