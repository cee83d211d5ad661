# `cmake --install`: the libraries, the header, and what CMake and pkg-config need to find
# them. Everything refers to its own place, so the installed tree may be moved.

# With an archive the linker takes from it only what the program asks for by then: libstdc++,
# which comes later, would get the C library's malloc (and other libraries its sbrk).
target_link_options(ralloc_static INTERFACE LINKER:--undefined=malloc LINKER:--undefined=sbrk)
# A plugin with an archive in it must not be unloaded: thread exit hooks point into it. Programs
# are not changed by this.
foreach(target ralloc_core ralloc_static)
  target_link_options(${target} INTERFACE LINKER:-z,nodelete)
endforeach()
# Who links the archive of the C++ run-time library beside libralloc.so may catch bad_alloc without
# linking it. In all other programs this asks for nothing.
target_link_options(ralloc_shared INTERFACE LINKER:--undefined=_ZTISt9bad_alloc)

option(RALLOC_INSTALL "Make rules for installation" ${PROJECT_IS_TOP_LEVEL})
if(NOT RALLOC_INSTALL)
  return()
endif()
include(CMakePackageConfigHelpers)

install(TARGETS ralloc_core ralloc_shared ralloc_static EXPORT ralloc_targets
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
        LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY alloc/include/ralloc DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})

# --- find_package(ralloc) ------------------------------------------------------------------
set(package_directory ${CMAKE_INSTALL_LIBDIR}/cmake/ralloc)
install(EXPORT ralloc_targets NAMESPACE ralloc:: FILE ralloc-targets.cmake
        DESTINATION ${package_directory})
configure_package_config_file(cmake/ralloc-config.cmake.in ralloc-config.cmake
                              INSTALL_DESTINATION ${package_directory}
                              NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(ralloc-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/ralloc-config.cmake
              ${CMAKE_CURRENT_BINARY_DIR}/ralloc-config-version.cmake
        DESTINATION ${package_directory})

# --- pkg-config ------------------------------------------------------------------------------
# Directories relative to the .pc file, unless they are absolute by the builder's wish.
set(pkgconfig_directory ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
if(IS_ABSOLUTE ${CMAKE_INSTALL_LIBDIR})
  set(pkgconfig_prefix ${CMAKE_INSTALL_PREFIX})
else()
  file(RELATIVE_PATH up /${pkgconfig_directory} /)
  string(REGEX REPLACE "/$" "" up ${up})
  set(pkgconfig_prefix "\${pcfiledir}/${up}")
endif()
cmake_path(APPEND pkgconfig_libdir "\${prefix}" ${CMAKE_INSTALL_LIBDIR})
cmake_path(APPEND pkgconfig_includedir "\${prefix}" ${CMAKE_INSTALL_INCLUDEDIR})
foreach(name ralloc ralloc-core)
  configure_file(cmake/${name}.pc.in ${name}.pc @ONLY)
  install(FILES ${CMAKE_CURRENT_BINARY_DIR}/${name}.pc DESTINATION ${pkgconfig_directory})
endforeach()
