# Every outside library under one name of ours, so that a version found another way is a change here only.

find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
find_package(absl REQUIRED)

function(sluice_pkg_config TARGET MODULE)
  pkg_check_modules(${TARGET} REQUIRED IMPORTED_TARGET ${MODULE})
  add_library(sluice_dep_${TARGET} INTERFACE)
  target_link_libraries(sluice_dep_${TARGET} INTERFACE PkgConfig::${TARGET})
endfunction()

function(sluice_plain_library TARGET HEADER LIBRARY)
  find_path(${TARGET}_INCLUDE_DIR ${HEADER} REQUIRED)
  find_library(${TARGET}_LIBRARY ${LIBRARY} REQUIRED)
  add_library(sluice_dep_${TARGET} INTERFACE)
  target_include_directories(sluice_dep_${TARGET} SYSTEM INTERFACE "${${TARGET}_INCLUDE_DIR}")
  target_link_libraries(sluice_dep_${TARGET} INTERFACE "${${TARGET}_LIBRARY}")
endfunction()

add_library(sluice_absl INTERFACE)
target_link_libraries(sluice_absl INTERFACE absl::status absl::statusor absl::strings absl::str_format absl::time
  absl::span absl::synchronization absl::flat_hash_map absl::flat_hash_set absl::any_invocable absl::cleanup
  absl::hash absl::inlined_vector absl::optional Threads::Threads)

find_package(spdlog REQUIRED)
find_package(PNG REQUIRED)
if(CMAKE_SYSTEM_NAME STREQUAL "Linux")
  sluice_pkg_config(seccomp libseccomp)
endif()
find_package(nlohmann_json REQUIRED)
find_package(prometheus-cpp REQUIRED CONFIG)
sluice_pkg_config(re2 re2)
sluice_pkg_config(sqlite3 sqlite3)
sluice_pkg_config(icu icu-uc)
sluice_plain_library(utf8proc utf8proc.h utf8proc)
sluice_plain_library(stemmer libstemmer.h stemmer)

if(SLUICE_WITH_RPC)
  find_program(SLUICE_PROTOC protoc REQUIRED)
  find_program(SLUICE_GRPC_CPP_PLUGIN grpc_cpp_plugin REQUIRED)
  sluice_pkg_config(protobuf protobuf)
  sluice_pkg_config(grpc grpc++)
  find_library(grpc_reflection_LIBRARY grpc++_reflection REQUIRED)
  find_package(yaml-cpp REQUIRED)
  find_package(CLI11 REQUIRED)
  sluice_pkg_config(gumbo gumbo)
endif()

if(SLUICE_BUILD_TESTS)
  find_package(GTest REQUIRED)
endif()
if(SLUICE_BUILD_BENCHMARKS)
  find_package(benchmark REQUIRED)
endif()

# LibTorch is taken by path and not through its CMake package: that one shadows protobuf::libprotobuf and sets
# flags for every target. Its headers go to core/inference/torch alone.
if(SLUICE_WITH_TORCH)
  if(NOT EXISTS "${LIBTORCH_DIR}/include/ATen/ATen.h")
    message(FATAL_ERROR "LIBTORCH_DIR='${LIBTORCH_DIR}' has no include/ATen/ATen.h. Run ./dev build, which fetches "
      "LibTorch, point LIBTORCH_DIR at one, or configure with -DSLUICE_WITH_TORCH=OFF.")
  endif()
  add_library(sluice_dep_torch INTERFACE)
  target_include_directories(sluice_dep_torch SYSTEM INTERFACE "${LIBTORCH_DIR}/include"
    "${LIBTORCH_DIR}/include/torch/csrc/api/include")
  file(GLOB LIBTORCH_GOMP "${LIBTORCH_DIR}/lib/libgomp*.so*")
  target_link_libraries(sluice_dep_torch INTERFACE "${LIBTORCH_DIR}/lib/libtorch_cpu.so" "${LIBTORCH_DIR}/lib/libc10.so"
    ${LIBTORCH_GOMP})
  install(FILES "${LIBTORCH_DIR}/lib/libtorch_cpu.so" "${LIBTORCH_DIR}/lib/libc10.so" ${LIBTORCH_GOMP}
    DESTINATION "${CMAKE_INSTALL_LIBDIR}/sluice")
endif()
