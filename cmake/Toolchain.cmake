# Compiler settings every target shares.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${CCACHE_PROGRAM}")
endif()

add_library(tradespace_settings INTERFACE)
target_include_directories(tradespace_settings INTERFACE "${CMAKE_SOURCE_DIR}" "${CMAKE_BINARY_DIR}/generated")
# -ffp-contract=off: the order and rounding of sums is what the code says, in every translation unit.
target_compile_options(tradespace_settings INTERFACE -Wall -Wextra -Wno-missing-field-initializers -ffp-contract=off
  $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>  # GCC 12 sees overlaps in "text" + std::string (its bug 105651)
  $<$<BOOL:${TRADESPACE_WERROR}>:-Werror>)
if(TRADESPACE_SANITIZE)
  # GCC 12 takes what the instrumentation moves for uninitialized reads.
  target_compile_options(tradespace_settings INTERFACE -fsanitize=${TRADESPACE_SANITIZE} -fno-omit-frame-pointer
    $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
  target_link_options(tradespace_settings INTERFACE -fsanitize=${TRADESPACE_SANITIZE})
endif()
