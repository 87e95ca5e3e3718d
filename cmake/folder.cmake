# Each folder is one target: its sources are the .cpp files in it, its tests the *_test.cpp files
# beside them.
#
#   lobo_folder(NAME [TOGETHER] [PUBLIC lib…] [PRIVATE lib…] [TEST lib…] [LABEL quick|slow])
#
# makes the static library lobo_NAME and, with LOBO_TESTS, the test program lobo_NAME_test.
function(lobo_folder name)
  cmake_parse_arguments(arg "TOGETHER" "LABEL" "PUBLIC;PRIVATE;TEST" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp)
  set(tests ${sources})
  list(FILTER sources EXCLUDE REGEX "_test\\.cpp$")
  list(FILTER tests INCLUDE REGEX "_test\\.cpp$")

  if(sources)
    add_library(lobo_${name} STATIC ${sources})
    target_include_directories(lobo_${name} PUBLIC ${PROJECT_SOURCE_DIR}/src)
    target_link_libraries(lobo_${name} PUBLIC ${arg_PUBLIC} PRIVATE ${arg_PRIVATE})
    if(arg_TOGETHER)
      lobo_together(lobo_${name})
    endif()
  else()
    add_library(lobo_${name} INTERFACE)
    target_include_directories(lobo_${name} INTERFACE ${PROJECT_SOURCE_DIR}/src)
    target_link_libraries(lobo_${name} INTERFACE ${arg_PUBLIC} ${arg_PRIVATE})
  endif()

  if(LOBO_TESTS AND tests)
    add_executable(lobo_${name}_test ${tests})
    target_link_libraries(lobo_${name}_test PRIVATE lobo_${name} ${arg_PRIVATE} ${arg_TEST} GTest::gtest GTest::gtest_main)
    if(NOT arg_LABEL)
      set(arg_LABEL quick)
    endif()
    gtest_discover_tests(lobo_${name}_test TEST_PREFIX ${name}/ DISCOVERY_MODE PRE_TEST
                         PROPERTIES LABELS ${arg_LABEL} TIMEOUT ${LOBO_TEST_SECONDS_MAX})
  endif()
endfunction()
