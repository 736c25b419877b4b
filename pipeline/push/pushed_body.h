// A pushed body as families of series. Pure functions.
#pragma once

#include "pipeline/parse/exposition.h"
#include "pipeline/push/grouping.h"
#include "storage/model/sample.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe::push {

/// Name and labels as the text format writes them, the group's included; then the value.
struct pushed_series {
  std::string text;
  double value = 0;
};

struct pushed_family {
  std::string name, help;
  metric_type type = metric_type::unknown;
  int64_t pushed_ms = 0;  ///< when the store took it
  std::vector<pushed_series> series;

  size_t bytes() const;
};

/// The series of `b` as text with the labels of the group, which override its own. `instance` is
/// there, if only empty, so that a scrape with honor_labels does not put its own in.
std::string series_text(labels_builder& b, const grouping& group);

/// Families in order of their names, each series as series_text() has it.
/// invalid_argument with the reason for a body that does not parse, has timestamps, native
/// histograms, a series twice, a family with two types, or metrics that the store makes itself.
result<std::vector<pushed_family>> read_pushed(std::string_view body,
                                               parse::exposition_format format,
                                               const grouping& group);

}  // namespace troupe::push
