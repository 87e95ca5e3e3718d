# Precompiled headers: what nearly every source reads anyway, read once. A build from nothing takes a fifth
# less time. Not beside ccache, which shares compilations between trees and cannot share these; there each
# source is read as it stands, so that a header that somebody forgot to include is noticed.
option(LOBO_PRECOMPILE "precompile common headers where there is no ccache" ON)
if(LOBO_CCACHE)
  set(LOBO_PRECOMPILE OFF)
endif()

if(LOBO_PRECOMPILE)
  # What their packages define for those who link them. A precompiled header is for compilations that agree.
  add_compile_definitions(FMT_SHARED GTEST_HAS_PTHREAD=1)
  # What GCC 12's optimiser believes of memory is wrong about std::string, once that was read precompiled. The
  # build beside ccache keeps these warnings.
  add_compile_options(-pthread)
  foreach(belief array-bounds stringop-overflow stringop-overread restrict maybe-uninitialized dangling-pointer
                 use-after-free free-nonheap-object)
    add_compile_options(-Wno-${belief})
  endforeach()
endif()

function(lobo_precompile)
  if(NOT LOBO_PRECOMPILE)
    return()
  endif()
  set(common <fmt/format.h> <algorithm> <array> <chrono> <deque> <functional> <map> <memory> <optional> <set>
      <span> <string> <string_view> <tl/expected.hpp> <unordered_map> <utility> <variant> <vector>)
  file(WRITE ${CMAKE_BINARY_DIR}/precompiled.cpp "")
  add_library(lobo_precompiled OBJECT ${CMAKE_BINARY_DIR}/precompiled.cpp)
  target_precompile_headers(lobo_precompiled PRIVATE ${common})
  if(LOBO_TESTS)
    add_library(lobo_precompiled_test OBJECT ${CMAKE_BINARY_DIR}/precompiled.cpp)
    target_precompile_headers(lobo_precompiled_test PRIVATE ${common} <gtest/gtest.h> <rapidcheck/gtest.h>)
  endif()
  lobo_precompile_below(${PROJECT_SOURCE_DIR})
endfunction()

function(lobo_precompile_below folder)
  get_property(targets DIRECTORY ${folder} PROPERTY BUILDSYSTEM_TARGETS)
  foreach(target ${targets})
    get_target_property(type ${target} TYPE)
    get_target_property(libraries ${target} LINK_LIBRARIES)
    get_target_property(independent ${target} POSITION_INDEPENDENT_CODE)
    if(target MATCHES "^lobo_precompiled" OR independent)  # a plugin's code is compiled otherwise
      continue()
    elseif(type STREQUAL EXECUTABLE AND libraries MATCHES "GTest::gtest")
      target_precompile_headers(${target} REUSE_FROM lobo_precompiled_test)
    elseif(type MATCHES "^(EXECUTABLE|STATIC_LIBRARY)$")
      target_precompile_headers(${target} REUSE_FROM lobo_precompiled)
    endif()
  endforeach()
  get_property(folders DIRECTORY ${folder} PROPERTY SUBDIRECTORIES)
  foreach(below ${folders})
    lobo_precompile_below(${below})
  endforeach()
endfunction()
