# Builds of the floors with bugs woven in (cmake/seed_bugs.py), to check the checks.
find_package(Python3 REQUIRED COMPONENTS Interpreter)
set(RALLOC_SEED_BUGS ${CMAKE_CURRENT_LIST_DIR}/seed_bugs.py)

# ralloc_seeded_sources(NAME BUGS): a target NAME that copies the floors to NAME_DIR (a variable
# of the caller) with the bugs of the list, anew when one of them or the list changes.
function(ralloc_seeded_sources name bugs)
  set(out ${CMAKE_CURRENT_BINARY_DIR}/${name})
  set(sources)
  foreach(floor shim global_pool local_pool alloc)
    file(GLOB_RECURSE found RELATIVE ${PROJECT_SOURCE_DIR} CONFIGURE_DEPENDS
         ${PROJECT_SOURCE_DIR}/${floor}/*.h ${PROJECT_SOURCE_DIR}/${floor}/*.cc)
    list(APPEND sources ${found})
  endforeach()
  list(FILTER sources EXCLUDE REGEX "_test\\.cc$")
  set(copies ${sources})
  list(TRANSFORM sources PREPEND ${PROJECT_SOURCE_DIR}/)
  list(TRANSFORM copies PREPEND ${out}/)
  add_custom_command(
      OUTPUT ${out}.stamp
      BYPRODUCTS ${copies} ${out}/seeded_bug.h
      COMMAND ${Python3_EXECUTABLE} -B ${RALLOC_SEED_BUGS} ${bugs} ${PROJECT_SOURCE_DIR} ${out}
      COMMAND ${CMAKE_COMMAND} -E touch ${out}.stamp
      DEPENDS ${RALLOC_SEED_BUGS} ${bugs} ${sources}
      COMMENT "Weaving the bugs of ${bugs} into ${out}"
      VERBATIM)
  add_custom_target(${name} DEPENDS ${out}.stamp)
  set(${name}_DIR ${out} PARENT_SCOPE)
endfunction()

# ralloc_use_seeded(TARGET NAME): the target includes the copies instead of what ships. A program
# that has cmake/choose_seeded_bug.cc among its sources (not in a library of it, from which it
# would not be linked) takes the bug from the environment.
function(ralloc_use_seeded target name)
  target_include_directories(${target} BEFORE PRIVATE ${${name}_DIR})
  add_dependencies(${target} ${name})
endfunction()
