// The grouping key of a push: /metrics/job/<JOB>{/<LABEL>/<VALUE>}. Pure function.
#pragma once

#include "storage/base/result.h"
#include "storage/model/labels.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe::push {

/// Sorted by name; values may be empty, which a label set cannot say.
using grouping = std::vector<std::pair<std::string, std::string>>;

/// `path` is what stands behind "/metrics/" ("job/backup/instance/db1"). A name that ends in
/// "@base64" has its value in base64url (RFC 4648 §5), padding optional, "=" for an empty one.
/// invalid_argument for what is no such path, an empty job or a label name that may not be.
result<grouping> parse_grouping(std::string_view path);

}  // namespace troupe::push
