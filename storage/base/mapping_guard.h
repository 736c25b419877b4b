// Keeps the process alive when a mapped file cannot give a page: it was truncated under the
// mapping, or the disk refused to read. The kernel tells by SIGBUS; for an address in a guarded
// range the handler marks the range as failed, puts a page of zeros there and lets the reader go
// on, which must then ask failed() before it trusts what it read. Any other SIGBUS goes to the
// handler that was there before, by default the end of the process.
#pragma once

#include <cstddef>

namespace troupe {

class mapping_guard {
 public:
  /// Guards [at, at + size), a whole mapping that outlives this. The first one in the process
  /// installs the handler.
  mapping_guard(void* at, size_t size);
  ~mapping_guard();
  mapping_guard(const mapping_guard&) = delete;
  mapping_guard& operator=(const mapping_guard&) = delete;

  /// A page of the range could not be given; stays so.
  bool failed() const;

  struct range;

 private:
  range* range_;
};

}  // namespace troupe
