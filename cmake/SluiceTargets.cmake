# How a folder becomes a target: sluice_library, sluice_binary and sluice_test add the warnings and
# sanitizers of this project and nothing else; a target's DEPS are the folder's dependency rule.

include(GNUInstallDirs)

add_library(sluice_flags INTERFACE)
target_include_directories(sluice_flags INTERFACE "${PROJECT_SOURCE_DIR}")
target_compile_options(sluice_flags INTERFACE -Wall -Wextra -Wnon-virtual-dtor -Wno-missing-field-initializers
  $<$<CXX_COMPILER_ID:GNU>:-Wshadow=local> $<$<CXX_COMPILER_ID:Clang,AppleClang>:-Wthread-safety>)
# libstdc++ 12's own stable_sort uses what it deprecates.
target_compile_options(sluice_flags INTERFACE $<$<CXX_COMPILER_ID:Clang>:-Wno-deprecated-declarations>)
if(SLUICE_WERROR)
  target_compile_options(sluice_flags INTERFACE -Werror)
endif()
if(SLUICE_SANITIZE)
  target_compile_options(sluice_flags INTERFACE -fsanitize=${SLUICE_SANITIZE} -fno-omit-frame-pointer)
  # The checks that a sanitizer adds look to GCC like paths that read what was never set (its manual says so).
  target_compile_options(sluice_flags INTERFACE $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
  if(SLUICE_SANITIZE MATCHES undefined)
    target_compile_options(sluice_flags INTERFACE -fno-sanitize-recover=undefined)
  endif()
  target_link_options(sluice_flags INTERFACE -fsanitize=${SLUICE_SANITIZE})
endif()

# The sanitizer presets compile several sources of a target as one: most of their cost is the same headers again and
# again. That each source compiles alone is for the other presets to show. gcc warns of a field whose type stands in an
# anonymous namespace of an included file, and in a unity build every source is included.
if(CMAKE_UNITY_BUILD)
  target_compile_options(sluice_flags INTERFACE $<$<CXX_COMPILER_ID:GNU>:-Wno-subobject-linkage>)
endif()

# Linking the tests is a good part of a build, and mold does it in a fraction of the time.
find_program(SLUICE_MOLD mold)
if(SLUICE_MOLD AND NOT APPLE)
  target_link_options(sluice_flags INTERFACE -fuse-ld=mold)
endif()

function(sluice_library NAME)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS;PRIVATE_DEPS" ${ARGN})
  if(ARG_SOURCES)
    add_library(${NAME} STATIC ${ARG_SOURCES})
    target_link_libraries(${NAME} PUBLIC sluice_flags ${ARG_DEPS} PRIVATE ${ARG_PRIVATE_DEPS})
  else()
    add_library(${NAME} INTERFACE)
    target_link_libraries(${NAME} INTERFACE sluice_flags ${ARG_DEPS})
  endif()
endfunction()

function(sluice_binary NAME)
  cmake_parse_arguments(ARG "INSTALL" "" "SOURCES;DEPS" ${ARGN})
  add_executable(${NAME} ${ARG_SOURCES})
  target_link_libraries(${NAME} PRIVATE sluice_flags ${ARG_DEPS})
  set_target_properties(${NAME} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bin")
  if(ARG_INSTALL)
    set_target_properties(${NAME} PROPERTIES INSTALL_RPATH "$ORIGIN/../${CMAKE_INSTALL_LIBDIR}/sluice")
    install(TARGETS ${NAME} RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
  endif()
endfunction()

# One test program a folder. It runs with the source tree as its working directory.
function(sluice_test NAME)
  cmake_parse_arguments(ARG "" "TIMEOUT_SECONDS" "SOURCES;DEPS;LABELS" ${ARGN})
  if(NOT ARG_TIMEOUT_SECONDS)
    set(ARG_TIMEOUT_SECONDS 300)
  endif()
  add_executable(${NAME} ${ARG_SOURCES})
  target_link_libraries(${NAME} PRIVATE sluice_flags ${ARG_DEPS} GTest::gmock_main GTest::gtest)
  # A test's own code need not be fast, which halves its compilation under the sanitizers; and gcc 12 sees overlaps in std::string that are not there (its bug 105651).
  target_compile_options(${NAME} PRIVATE $<$<CONFIG:Release>:-O1> $<$<CONFIG:RelWithDebInfo>:-O0>
    $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>)
  set_target_properties(${NAME} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/tests")
  add_test(NAME ${NAME} COMMAND ${NAME} WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}")
  set_tests_properties(${NAME} PROPERTIES TIMEOUT ${ARG_TIMEOUT_SECONDS} LABELS "${ARG_LABELS}"
    ENVIRONMENT
    "SLUICE_MODEL=${SLUICE_MODEL};SLUICE_PDFIUM=${SLUICE_PDFIUM};TSAN_OPTIONS=suppressions=${PROJECT_SOURCE_DIR}/tests/tsan_suppressions.txt")
endfunction()

function(sluice_benchmark NAME)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS" ${ARGN})
  if(NOT SLUICE_BUILD_BENCHMARKS)
    return()
  endif()
  add_executable(${NAME} ${ARG_SOURCES})
  target_link_libraries(${NAME} PRIVATE sluice_flags ${ARG_DEPS})
  set_target_properties(${NAME} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/benchmarks")
endfunction()
