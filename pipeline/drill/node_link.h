// A node that takes part, as its HTTP API is reached. Requests are only begun; what came of them is
// asked for. Abstract, so that drills of whole systems are unit tests. One owner.
#pragma once

#include "pipeline/http/http.h"
#include "storage/base/result.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::drill {

struct reply {
  uint64_t token = 0;
  status error;  ///< not ok unless the answer was 2xx
  int code = 0;  ///< of HTTP; 0: there was no answer
  std::string body;
};

class node_link {
 public:
  virtual ~node_link() = default;
  /// For people; without passwords.
  virtual const std::string& url() const = 0;
  virtual void get(uint64_t token, std::string_view path) = 0;
  virtual void post(uint64_t token, std::string_view path, const http::params& form) = 0;
  /// A compressed body of remote write 1.0.
  virtual void write(uint64_t token, std::string body) = 0;
  /// What has come since the last call; never blocks. Each request is answered, if only by its
  /// timeout.
  virtual std::vector<reply> take() = 0;
};

}  // namespace troupe::drill
