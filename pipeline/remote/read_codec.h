// Remote read (prometheus.ReadRequest, ReadResponse, ChunkedReadResponse): both sides of both
// response types. The caller bounds the input. Sources: prometheus/prompb/{remote,types}.proto,
// storage/remote/{codec,chunked}.go. Pure functions.
#pragma once

#include "storage/base/result.h"
#include "storage/model/matcher.h"
#include "storage/querier.h"

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::remote {

/// By the numbers of ReadRequest.ResponseType.
enum class read_response : uint8_t { samples = 0, streamed_chunks = 1 };

struct read_query {
  timestamp_ms start = 0;
  timestamp_ms end = 0;
  matchers ms;
  storage::select_hints hints;
};
struct read_request {
  std::vector<read_query> queries;
  read_response wanted = read_response::samples;
};

/// invalid_argument if the bytes are not such a message, a matcher does not hold, or no response
/// type is known.
result<read_request> decode_read_request(std::string_view protobuf);
/// A request for one query, chunks wanted first.
std::string encode_read_request(const read_query& query);

/// The TimeSeries message of a series.
void put_series(std::string& out, const labels& series, const storage::sample_columns& samples);
/// `results` are the QueryResult messages: put_series() of all their series.
std::string encode_read_response(std::span<const std::string> results);
/// A Chunk message; `encoding` is that of Prometheus' chunks.
void put_chunk(std::string& out, timestamp_ms first, timestamp_ms last, uint8_t encoding,
               std::string_view data);
/// A frame of the streamed response: length, CRC32C and a ChunkedReadResponse with one series.
/// `label_fields` and `chunks` are the fields of the series.
void put_frame(std::string& out, std::string_view label_fields, std::string_view chunks,
               size_t query_index);

/// A series of a response, its samples still in the messages that are views into the response.
struct read_series {
  labels series;
  std::vector<std::string_view> messages;  ///< TimeSeries or ChunkedSeries
};

/// The series of the only query, in any order; a series may come several times. invalid_argument if
/// the bytes do not hold; unsupported for a frame of more than `max_frame_bytes`.
result<std::vector<read_series>> decode_read_response(std::string_view protobuf);
result<std::vector<read_series>> decode_read_stream(std::string_view frames,
                                                    uint64_t max_frame_bytes);
/// Appends the samples of a message within [mint, maxt] in the order they stand in.
status read_samples(std::string_view message, read_response kind, timestamp_ms mint,
                    timestamp_ms maxt, storage::sample_columns& out);

}  // namespace troupe::remote
