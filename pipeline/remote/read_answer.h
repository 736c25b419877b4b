// The answer of a server to a remote read, as series. Any thread.
#pragma once

#include "pipeline/http/http.h"
#include "storage/base/result.h"
#include "storage/model/labels.h"
#include "storage/querier.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

namespace troupe::remote {

/// The series of a 2xx answer of `who` within [mint, maxt], in label order, each once, after `edit`
/// has changed their labels (false: the series is left out); samples stay encoded until they are
/// read. unsupported for another content type or a frame of more than `max_frame_bytes`,
/// invalid_argument for bytes that do not hold.
result<std::unique_ptr<storage::series_set>> read_answer(
    http::fetch_result&& answer, std::string_view who, timestamp_ms mint, timestamp_ms maxt,
    uint64_t max_frame_bytes, const std::function<bool(labels_builder&)>& edit);

}  // namespace troupe::remote
