# Sources that read much the same are compiled eight at a time, as if they were one: what they all include, the test
# framework above all, is then read and instantiated once. They share one anonymous namespace, so what two of them
# call by the same name cannot stand side by side: rename one, or keep its file apart. This holds for each test
# program, and for the folders that ask for it (docs/adr/0015-compiled-together.md). `make check` reads each source
# as it stands, with LOBO_UNITY off.
option(LOBO_UNITY "compile sources of one folder together" ON)

function(lobo_together target)
  if(LOBO_UNITY)
    set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 8)
    # A local name may be that of another file's constant. `make check` looks for the rest.
    target_compile_options(${target} PRIVATE -Wno-shadow $<$<CXX_COMPILER_ID:GNU>:-Wshadow=local>)
  endif()
endfunction()

# Sources of this folder that are compiled by themselves.
function(lobo_apart)
  set_source_files_properties(${ARGN} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
endfunction()

function(lobo_tests_together_below folder)
  get_property(targets DIRECTORY ${folder} PROPERTY BUILDSYSTEM_TARGETS)
  foreach(target ${targets})
    get_target_property(type ${target} TYPE)
    get_target_property(libraries ${target} LINK_LIBRARIES)
    if(type STREQUAL EXECUTABLE AND libraries MATCHES "GTest::gtest")
      lobo_together(${target})
    endif()
  endforeach()
  get_property(folders DIRECTORY ${folder} PROPERTY SUBDIRECTORIES)
  foreach(below ${folders})
    lobo_tests_together_below(${below})
  endforeach()
endfunction()
