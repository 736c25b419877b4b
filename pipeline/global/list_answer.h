// What /api/v1/series, labels and label/<name>/values answer. Pure.
#pragma once

#include "storage/base/result.h"
#include "storage/model/labels.h"

#include <string>
#include <string_view>
#include <vector>

namespace troupe::global {

struct list_answer {
  std::vector<std::string> texts;  ///< names or values
  std::vector<labels> series;
  std::vector<std::string> warnings;
};

/// invalid_argument if `body` is no such answer.
result<list_answer> parse_list(std::string_view body);

}  // namespace troupe::global
