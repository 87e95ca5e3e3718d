# The sources of a test program are compiled eight at a time, as if they were one: what they all include, the
# test framework above all, is then read and instantiated once. They share one anonymous namespace, so what two of
# them call by the same name cannot stand side by side: rename one, or keep its file apart.
# `make check` reads each source as it stands, with LOBO_UNITY off.
option(LOBO_UNITY "compile the tests of a program together" ON)

if(LOBO_UNITY)
  # A local name may be that of another file's constant. `make check` looks for the rest.
  if(CMAKE_CXX_COMPILER_ID MATCHES Clang)
    set(LOBO_UNITY_OPTIONS -Wno-shadow)
  else()
    set(LOBO_UNITY_OPTIONS -Wno-shadow -Wshadow=local)
  endif()
endif()

# Sources of this folder that are compiled by themselves.
function(lobo_apart)
  set_source_files_properties(${ARGN} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
endfunction()

function(lobo_unite_tests_below folder)
  if(NOT LOBO_UNITY)
    return()
  endif()
  get_property(targets DIRECTORY ${folder} PROPERTY BUILDSYSTEM_TARGETS)
  foreach(target ${targets})
    get_target_property(type ${target} TYPE)
    get_target_property(libraries ${target} LINK_LIBRARIES)
    if(type STREQUAL EXECUTABLE AND libraries MATCHES "GTest::gtest")
      set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 8)
      target_compile_options(${target} PRIVATE ${LOBO_UNITY_OPTIONS})
    endif()
  endforeach()
  get_property(folders DIRECTORY ${folder} PROPERTY SUBDIRECTORIES)
  foreach(below ${folders})
    lobo_unite_tests_below(${below})
  endforeach()
endfunction()
