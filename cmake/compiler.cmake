# The one place that says how code is compiled.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

find_program(LOBO_CCACHE ccache)
if(LOBO_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${LOBO_CCACHE})
endif()
find_program(LOBO_MOLD mold)
if(LOBO_MOLD)
  add_link_options(-fuse-ld=mold)
endif()

add_compile_options(-Wall -Wextra -Wshadow -Wconversion -Wswitch-enum -Wnon-virtual-dtor
                    -Wold-style-cast -Werror)
# A designated initialiser names what differs and leaves the rest at its default on purpose.
add_compile_options(-Wno-missing-field-initializers)

set(LOBO_SANITIZE "" CACHE STRING "address,undefined or thread")
# A test that computes takes up to fifteen times as long with a sanitizer.
set(LOBO_TEST_SECONDS_MAX 120)
if(LOBO_SANITIZE)
  set(LOBO_TEST_SECONDS_MAX 900)
  add_compile_options(-fsanitize=${LOBO_SANITIZE} -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${LOBO_SANITIZE})
  if(CMAKE_CXX_COMPILER_ID MATCHES Clang)
    # Not the check of calls through function pointers, which cannot be linked with coroutines; and a finding
    # of the undefined-behaviour part ends the program, as one of the other part does.
    add_compile_options(-fno-sanitize=function -fno-sanitize-recover=undefined)
  else()
    # GCC's flow analysis reports false "maybe uninitialized" reads in instrumented code.
    add_compile_options(-Wno-maybe-uninitialized)
  endif()
  if(LOBO_SANITIZE MATCHES thread)
    add_compile_definitions(BOOST_ASIO_DISABLE_FENCED_BLOCK)  # TSan does not model fences
  endif()
endif()

if(CMAKE_CXX_COMPILER_ID MATCHES Clang)
  # libstdc++'s own stable_sort calls a function that it deprecates; GCC does not look there.
  add_compile_options(-Wno-deprecated-declarations)
endif()

option(LOBO_COVERAGE "count executed lines" OFF)
if(LOBO_COVERAGE)
  add_compile_options(--coverage)
  add_link_options(--coverage)
endif()

if(LOBO_FUZZ)
  # The undefined-behaviour check of calls through function pointers cannot be linked with coroutines.
  set(fuzz_options -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize=function
                   -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
  add_compile_options(${fuzz_options})
  add_link_options(${fuzz_options})
endif()
