# How every target of Beckon is made. A room calls beckon_library once; a test folder calls
# beckon_test once.

option(BECKON_TESTS "Build the tests" ON)
option(BECKON_FUZZ "Build the fuzz targets (clang only)" OFF)
option(BECKON_UNITY "Compile the sources of a room a few at a time, which takes half the time in all" OFF)
option(BECKON_BENCH "Build the benches, which need the libraries we compare with" OFF)
option(BECKON_SANITIZE "Sanitizers to build with, as -fsanitize= takes them (empty: none)" "")
set(BECKON_CORPORA "${PROJECT_SOURCE_DIR}/../shared/corpora" CACHE PATH
  "Folder of the test corpora that are not part of this repository; without it the tests that read it are not built")
if(BECKON_TESTS AND NOT IS_DIRECTORY "${BECKON_CORPORA}")
  message(STATUS "No test corpora at ${BECKON_CORPORA} (BECKON_CORPORA): the tests that read them are not built")
endif()

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bin")

find_program(BECKON_CCACHE ccache)
if(BECKON_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${BECKON_CCACHE}")
endif()

add_library(beckon_options INTERFACE)
target_include_directories(beckon_options INTERFACE "${PROJECT_SOURCE_DIR}")
target_compile_options(beckon_options INTERFACE -Wall -Wextra -Wshadow -Wconversion -Werror)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # g++ 12 with -O2 sees overflows in vector insertions that are none (GCC bugs 100366, 105651, 107852).
  target_compile_options(beckon_options INTERFACE -Wno-array-bounds -Wno-restrict -Wno-stringop-overflow -Wno-stringop-overread)
endif()
target_compile_definitions(beckon_options INTERFACE
  BECKON_VERSION="${PROJECT_VERSION}"
  BOOST_ASIO_NO_DEPRECATED
  BOOST_ASIO_SEPARATE_COMPILATION
  BOOST_BEAST_SEPARATE_COMPILATION)
if(BECKON_SANITIZE)
  target_compile_options(beckon_options INTERFACE -fsanitize=${BECKON_SANITIZE} -fno-omit-frame-pointer)
  target_link_options(beckon_options INTERFACE -fsanitize=${BECKON_SANITIZE})
endif()

# beckon_library(sip SOURCES a.cpp ... HEADERS a.hpp ... LINK beckon::base ...)
# makes beckon_sip with alias beckon::sip. Each header stands alone: a source includes its own header first, and
# all_verify_interface_header_sets compiles the headers that have no source.
function(beckon_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;HEADERS;LINK;PRIVATE_LINK" ${ARGN})
  set(alone "")
  foreach(header ${ARG_HEADERS})
    string(REGEX REPLACE "hpp$" "cpp" source "${header}")
    if(NOT source IN_LIST ARG_SOURCES)
      list(APPEND alone "${header}")
      continue()
    endif()
    file(STRINGS "${source}" first REGEX "^#include" LIMIT_COUNT 1)
    if(NOT first MATCHES "/${header}\"$")
      message(FATAL_ERROR "${CMAKE_CURRENT_SOURCE_DIR}/${source} does not include its own header first")
    endif()
  endforeach()
  if(ARG_SOURCES)
    add_library(beckon_${name} STATIC ${ARG_SOURCES})
    set(scope PUBLIC)
    target_link_libraries(beckon_${name} PUBLIC beckon_options ${ARG_LINK} PRIVATE ${ARG_PRIVATE_LINK})
  else()
    add_library(beckon_${name} INTERFACE)
    set(scope INTERFACE)
    target_link_libraries(beckon_${name} INTERFACE beckon_options ${ARG_LINK})
  endif()
  add_library(beckon::${name} ALIAS beckon_${name})
  target_sources(beckon_${name} ${scope} FILE_SET HEADERS BASE_DIRS "${PROJECT_SOURCE_DIR}" FILES ${alone})
  set_target_properties(beckon_${name} PROPERTIES VERIFY_INTERFACE_HEADER_SETS ON)
  if(BECKON_UNITY AND ARG_SOURCES)
    set_target_properties(beckon_${name} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 5)
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
      target_compile_options(beckon_${name} PRIVATE -Wno-subobject-linkage)  # each file is its own, whatever includes it
    endif()
  endif()
endfunction()

# What the tests labelled `unit` run; the sanitizers build no more than this.
add_custom_target(unit_tests)

# beckon_test(sip SOURCES a_test.cpp ... LINK beckon::sip ...)
# makes the program test_sip (doctest, one main for all programs) and one CTest entry for each of
# its test cases' programs. BECKON_CORPORA and BECKON_TEST_DATA are defined for it, relative to the root, where its
# main goes first.
function(beckon_test name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
  add_executable(test_${name} ${ARG_SOURCES})
  target_link_libraries(test_${name} PRIVATE beckon_doctest_main ${ARG_LINK})
  file(RELATIVE_PATH corpora "${PROJECT_SOURCE_DIR}" "${BECKON_CORPORA}")
  target_compile_definitions(test_${name} PRIVATE BECKON_CORPORA="${corpora}" BECKON_TEST_DATA="tests/data")
  add_test(NAME ${name} COMMAND test_${name})
  add_dependencies(unit_tests test_${name})
  if(CMAKE_BUILD_TYPE STREQUAL "Release")
    target_compile_options(test_${name} PRIVATE -O0)  # the rooms are what is tested, and half of the time is theirs
  endif()
  set_tests_properties(${name} PROPERTIES LABELS unit TIMEOUT 1200)
endfunction()

# beckon_fuzz(sip_message SOURCES message_fuzz.cpp LINK beckon::sip): libFuzzer target fuzz_sip_message.
function(beckon_fuzz name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
  add_executable(fuzz_${name} ${ARG_SOURCES})
  target_link_libraries(fuzz_${name} PRIVATE ${ARG_LINK})
  target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
endfunction()
