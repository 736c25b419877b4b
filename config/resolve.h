// Fills what a configuration leaves open: zero and unset values take global's or Prometheus'
// defaults. Pure functions.
#pragma once

#include "config/config.h"
#include "config/schema.h"

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::config {

/// A global block with nothing set: the start for reading one.
global_config unset_global();
void resolve(global_config& g);
/// A job with nothing set but what it inherits from `g` as a plain value.
job_draft unset_job(const global_config& g);
scrape_config resolve(job_draft draft, const global_config& g);
/// The draft that prints as `job` does.
job_draft to_draft(const scrape_config& job);

/// Replaces $NAME and ${NAME} by `environment(NAME)` as Go's os.Expand does ($$ is a dollar); names
/// without a value give "" and are appended to `missing`.
std::string expand_variables(std::string_view text,
                             const std::function<std::string(const std::string&)>& environment,
                             std::vector<std::string>& missing);

}  // namespace troupe::config
