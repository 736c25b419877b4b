// What a head has already of a batch that was taken over from another node. Two nodes that take
// over the same series from each other would send it round for ever if it was logged again.
#pragma once

#include "storage/head/admission.h"
#include "storage/head/head.h"
#include "storage/head/table_cache.h"
#include "storage/model/batch.h"

namespace troupe::storage {

/// Adds samples and exemplars to `refused` that would change nothing in the head, counted as
/// repetitions; those up to `unsure` are not looked at: what a start has read of the log may be in
/// memory only (a sync that failed), so it must be logged again before it is acknowledged again.
/// Samples that are in blocks only are not found. True if its metadata are known, too. The
/// writer's; `refs` are looked up, exemplars have a time.
bool refuse_known(head& in, const write_batch& batch, const table_refs& refs, timestamp_ms unsure,
                  refusals& refused);

}  // namespace troupe::storage
