// What authorises requests for a while, and where it comes from: a talk with a token server, one
// request at a time, that the client holds. Sources are immutable; they are asked on the client's
// thread and may read files.
#pragma once

#include "pipeline/http/http.h"
#include "pipeline/http/transfer_spec.h"
#include "storage/base/result.h"
#include "storage/base/secret.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <variant>

namespace troupe::http {

struct grant {
  /// The headers to add to a request that is made now.
  std::function<headers(const fetch_request&, int64_t now_ms)> authorize;
  int64_t lifetime_ms = 0;  ///< from when it was given
};

/// A token that lasts `lifetime_ms`, sent as Bearer; `also` are headers beside it.
grant bearer_grant(secret token, int64_t lifetime_ms, headers also = {});

/// The next request of a talk, and what its answer leads to.
struct question {
  transfer_spec ask;
  std::function<result<std::variant<grant, question>>(const fetch_result& answer, int64_t now_ms)>
      then;
};
using grant_step = std::variant<grant, question>;

class grant_source {
 public:
  virtual ~grant_source() = default;
  /// What it is called in errors ("oauth2").
  virtual std::string_view name() const = 0;
  /// The first step, with files and environment as they are now.
  virtual result<grant_step> begin(int64_t now_ms) const = 0;
};
using grant_source_ptr = std::shared_ptr<const grant_source>;

}  // namespace troupe::http
