// Series that all lack a label, with it. Any thread; the set is owned by one.
#pragma once

#include "storage/querier.h"

#include <memory>
#include <string>

namespace troupe::global {

/// The series of `from`, none of which has the label `name`, with it, in label order. A series that
/// comes later with the label than without it is read when it is passed, within [mint, maxt].
std::unique_ptr<storage::series_set> with_label(std::unique_ptr<storage::series_set> from,
                                                std::string name, std::string value,
                                                timestamp_ms mint, timestamp_ms maxt);

}  // namespace troupe::global
