// What sources of credentials look into. Any thread.
#pragma once

#include "storage/base/result.h"

#include <functional>
#include <string>

namespace troupe {
class file_system;
}

namespace troupe::credentials {

struct surroundings {
  /// The value of an environment variable, "" if it is not set.
  std::function<std::string(const std::string& name)> environment;
  file_system* files = nullptr;  ///< outlives whoever has this

  /// A small file, without white space at both ends.
  result<std::string> read(const std::string& path) const;
};

}  // namespace troupe::credentials
