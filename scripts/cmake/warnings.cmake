# g++ 12 at -O2 sees overlaps and bounds that are not there in inlined std::string and std::vector code.

# -pthread everywhere: precompiled headers are shared among targets only where such flags are equal.
add_compile_options(-pthread)
add_compile_options(-Wall -Wextra -Wno-missing-field-initializers -fno-plt -fstack-protector-strong -Wno-array-bounds
  $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict> $<$<CXX_COMPILER_ID:GNU>:-Wno-stringop-overflow>
  $<$<CXX_COMPILER_ID:GNU>:-Wno-stringop-overread>)
if(TROUPE_WERROR)
  add_compile_options(-Werror)
endif()
if(TROUPE_SANITIZE)
  string(REPLACE ";" "," _san "${TROUPE_SANITIZE}")
  add_compile_options(-fsanitize=${_san} -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${_san})
else()
  add_compile_definitions($<$<CONFIG:Release>:_FORTIFY_SOURCE=2>)
endif()
if(TROUPE_FUZZ)
  # Coverage is what guides libFuzzer; its main comes with the targets alone.
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
add_link_options(-Wl,-z,relro,-z,now)
find_program(MOLD mold)
if(MOLD AND NOT TROUPE_SANITIZE AND NOT CMAKE_INTERPROCEDURAL_OPTIMIZATION)
  add_link_options(-fuse-ld=mold)
endif()
if(TROUPE_FAULT_TWINS)
  add_compile_definitions(TROUPE_FAULT_TWINS=1)
endif()
