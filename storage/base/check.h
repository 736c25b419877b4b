// TROUPE_CHECK: an assertion that stays on in release builds. A broken invariant ends the process;
// the service manager restarts it and the WAL brings back what was acked.
#pragma once

namespace troupe {
/// Prints `file:line: check failed: text` to stderr and aborts.
[[noreturn]] void check_failed(const char* file, int line, const char* text);
}  // namespace troupe

#define TROUPE_CHECK(cond)                               \
  do {                                                   \
    if (!(cond)) [[unlikely]]                            \
      ::troupe::check_failed(__FILE__, __LINE__, #cond); \
  } while (0)
