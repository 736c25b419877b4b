// Tells when something in a set of folders has changed. Interface, so that a simulation runs
// without the kernel.
#pragma once

#include <memory>
#include <string>
#include <vector>

namespace troupe::discover {

/// One owner.
class file_watcher {
 public:
  virtual ~file_watcher() = default;
  /// Replaces the set of watched folders. One that does not exist is tried again at the next call.
  virtual void watch(const std::vector<std::string>& folders) = 0;
  /// The folders in which something changed since the last call. Does not block.
  virtual std::vector<std::string> changed() = 0;
};

/// inotify.
std::unique_ptr<file_watcher> make_inotify_watcher();

}  // namespace troupe::discover
