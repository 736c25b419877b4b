// Runs a parsed template, as Go's text/template does. One owner, one run.
#pragma once

#include "pipeline/template/environment.h"
#include "pipeline/template/node.h"
#include "pipeline/template/value.h"
#include "storage/base/result.h"

#include <string>
#include <string_view>

namespace troupe::templates {

/// The output of the template called `name`; `text` is what `trees` were parsed from. The message
/// of an error is Go's ("template: NAME:LINE:COLUMN: executing …"); resource_exhausted beyond the
/// limits of `env`.
result<std::string> execute(const tree_set& trees, std::string_view name, std::string_view text,
                            const value& data, const environment& env);

}  // namespace troupe::templates
