// Reads what a node of troupe tells of itself, and single values of the query API. Pure. An answer
// that is none of the kind is invalid_argument, with the server's error text if it says one.
#pragma once

#include "storage/base/result.h"
#include "storage/model/labels.h"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::client {

/// One of /api/v1/status/stages.
struct node_stage {
  std::string stage, name;
  std::string other_end;     ///< its topic, or its source's URL
  std::string paused_until;  ///< "": it is not paused
};
result<std::vector<node_stage>> parse_stages(std::string_view body);

/// One of /api/v1/status/kafka.
struct topic_link {
  std::string stage, name;  ///< publish or consume
  bool up = false;
  std::string last_error;
  double lag_seconds = 0;
};
result<std::vector<topic_link>> parse_topic_links(std::string_view body);

/// One of /api/v1/status/watermarks.
struct node_watermark {
  std::string stage, name;
  std::optional<double> lag_seconds;  ///< none: nothing has come yet
};
result<std::vector<node_watermark>> parse_watermarks(std::string_view body);

/// /api/v1/status/flags
result<std::map<std::string, std::string>> parse_flags(std::string_view body);

/// A scalar of /api/v1/query.
result<double> parse_scalar(std::string_view body);

/// A vector of /api/v1/query.
struct vector_element {
  labels series;
  double value = 0;
};
result<std::vector<vector_element>> parse_vector(std::string_view body);

}  // namespace troupe::client
