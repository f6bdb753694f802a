// CUBE_MULTIVERSION before a function compiles it twice: for any x86-64 and for those with AVX2;
// the loader picks once. Results are the same to the bit: nothing is contracted to fused
// multiply-adds (see the flags in CMakeLists.txt). What such a function calls gains only if it is
// inlined. Sanitizers run before the loader's choice, so they get the plain function.
#pragma once

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define CUBE_MULTIVERSION __attribute__((target_clones("default", "arch=x86-64-v3")))
#else
#define CUBE_MULTIVERSION
#endif
