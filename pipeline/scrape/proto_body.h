// Reads a body of the protobuf exposition. One owner; the scratch is shared by all targets of a
// pool.
#pragma once

#include "pipeline/scrape/body_reader.h"

namespace troupe::scrape {

/// As read_body(), which calls it.
status read_proto_body(const body_request& request, const job_rules& job,
                       const labels& target_labels, target_memory& memory, scrape_scratch& scratch,
                       write_batch& out, body_counts& counts);

}  // namespace troupe::scrape
