#include "pipeline/remote/read_codec.h"

#include "pipeline/remote/field_scan.h"
#include "pipeline/remote/message_codec.h"
#include "pipeline/remote/message_encoder.h"
#include "pipeline/remote/protobuf.h"
#include "pipeline/remote/write_encoder.h"
#include "storage/base/coding.h"
#include "storage/base/hash.h"
#include "storage/tsdb/chunk_codec.h"

#include <fmt/format.h>

#include <algorithm>

namespace troupe::remote {
namespace {

using protozero::pbf_reader;

constexpr size_t crc_bytes = 4;

pbf_reader reader_of(std::string_view message) {
  return {message.data(), message.size()};
}

status malformed(const protozero::exception& e) {
  return {errc::invalid_argument, std::string("proto: ") + e.what()};
}

// --- requests ---

result<matcher> read_matcher(pbf_reader m) {
  int32_t op = 0;
  std::string name, value;
  while (m.next()) {
    if (m.tag() == 1)
      op = m.get_enum();
    else if (m.tag() == 2)
      name = m.get_string();
    else if (m.tag() == 3)
      value = m.get_string();
    else
      m.skip();
  }
  if (op < 0 || op > static_cast<int32_t>(match_op::not_regex))
    return {errc::invalid_argument, "invalid matcher type"};
  return matcher::make(static_cast<match_op>(op), std::move(name), std::move(value));
}

storage::select_hints read_hints(pbf_reader m) {
  storage::select_hints out;
  while (m.next()) {
    switch (m.tag()) {
      case 1:
        out.step_ms = m.get_int64();
        break;
      case 2:
        out.function = m.get_string();
        break;
      case 3:
        out.start = m.get_int64();
        break;
      case 4:
        out.end = m.get_int64();
        break;
      case 7:
        out.range_ms = m.get_int64();
        break;
      default:
        m.skip();
    }
  }
  return out;
}

result<read_query> read_query_message(pbf_reader m) {
  read_query out;
  while (m.next()) {
    switch (m.tag()) {
      case 1:
        out.start = m.get_int64();
        break;
      case 2:
        out.end = m.get_int64();
        break;
      case 3: {
        TROUPE_ASSIGN(auto one, read_matcher(m.get_message()));
        out.ms.push_back(std::move(one));
        break;
      }
      case 4:
        out.hints = read_hints(m.get_message());
        break;
      default:
        m.skip();
    }
  }
  return out;
}

void read_types(pbf_reader& m, std::vector<int32_t>& out) {
  if (m.wire_type() == protozero::pbf_wire_type::varint) {
    out.push_back(m.get_enum());
    return;
  }
  for (const int32_t type : m.get_packed_enum())
    out.push_back(type);
}

// The first that is known.
result<read_response> choose_type(const std::vector<int32_t>& accepted) {
  if (accepted.empty())
    return read_response::samples;
  for (const int32_t type : accepted)
    if (type == static_cast<int32_t>(read_response::samples) ||
        type == static_cast<int32_t>(read_response::streamed_chunks))
      return static_cast<read_response>(type);
  return {errc::invalid_argument,
          fmt::format("server does not support any of the requested response types: {}; supported: "
                      "SAMPLES, STREAMED_XOR_CHUNKS",
                      fmt::join(accepted, " "))};
}

// --- responses ---

result<labels> read_label_set(std::string_view message) {
  const write_limits limits;
  std::vector<label_view> found;
  read_labels(message, limits.max_labels, found);
  if (auto why = label_refusal(found, limits); !why.empty())
    return {errc::invalid_argument, std::move(why)};
  return labels::from_views(std::move(found));
}

status read_chunk(pbf_reader m, timestamp_ms mint, timestamp_ms maxt,
                  storage::sample_columns& out) {
  timestamp_ms first = 0, last = 0;
  int32_t encoding = 0;
  std::string_view data;
  while (m.next()) {
    switch (m.tag()) {
      case 1:
        first = m.get_int64();
        break;
      case 2:
        last = m.get_int64();
        break;
      case 3:
        encoding = m.get_enum();
        break;
      case 4:
        data = view(m.get_view());
        break;
      default:
        m.skip();
    }
  }
  if (last < mint || first > maxt)
    return {};
  if (encoding < 0 || encoding > UINT8_MAX)
    return {errc::unsupported, "a chunk has an unknown encoding"};
  const size_t floats = out.ts.size(), rows = out.histograms.size();
  TROUPE_TRY(storage::tsdb::decode_chunk(static_cast<uint8_t>(encoding), data, out));
  size_t kept = floats;
  for (size_t i = floats; i < out.ts.size(); ++i)
    if (out.ts[i] >= mint && out.ts[i] <= maxt) {
      out.ts[kept] = out.ts[i];
      out.values[kept++] = out.values[i];
    }
  out.ts.resize(kept);
  out.values.resize(kept);
  std::erase_if(out.histograms, [&, i = size_t{0}](const auto& row) mutable {
    return i++ >= rows && (row.ts < mint || row.ts > maxt);
  });
  return {};
}

void read_float(pbf_reader m, timestamp_ms mint, timestamp_ms maxt, storage::sample_columns& out) {
  double value = 0;
  timestamp_ms ts = 0;
  while (m.next()) {
    if (m.tag() == 1)
      value = m.get_double();
    else if (m.tag() == 2)
      ts = m.get_int64();
    else
      m.skip();
  }
  if (ts < mint || ts > maxt)
    return;
  out.ts.push_back(ts);
  out.values.push_back(value);
}

status read_native(std::string_view message, timestamp_ms mint, timestamp_ms maxt,
                   storage::sample_columns& out) {
  auto h = read_histogram(message, {});
  if (h.ts < mint || h.ts > maxt)
    return {};
  if (auto s = h.value->validate(); !s.ok() && !h.value->is_stale())
    return s.with_context("remote read");
  out.histograms.push_back({h.ts, no_start_timestamp, std::move(h.value)});
  return {};
}

status read_message(std::string_view message, read_response kind, timestamp_ms mint,
                    timestamp_ms maxt, storage::sample_columns& out) {
  auto m = reader_of(message);
  const bool chunks = kind == read_response::streamed_chunks;
  while (m.next()) {
    if (chunks && m.tag() == 2)
      TROUPE_TRY(read_chunk(m.get_message(), mint, maxt, out));
    else if (!chunks && m.tag() == 2)
      read_float(m.get_message(), mint, maxt, out);
    else if (!chunks && m.tag() == 4)
      TROUPE_TRY(read_native(view(m.get_view()), mint, maxt, out));
    else
      m.skip();
  }
  return {};
}

// The series of a message whose field 1 holds them.
status add_series_of(pbf_reader m, std::vector<read_series>& out) {
  while (m.next()) {
    if (m.tag() != 1) {
      m.skip();
      continue;
    }
    const auto message = view(m.get_view());
    TROUPE_ASSIGN(auto series, read_label_set(message));
    if (out.empty() || out.back().series != series)
      out.push_back({std::move(series), {}});
    out.back().messages.push_back(message);
  }
  return {};
}

}  // namespace

result<read_request> decode_read_request(std::string_view protobuf) {
  read_request out;
  std::vector<int32_t> accepted;
  try {
    auto m = reader_of(protobuf);
    while (m.next()) {
      if (m.tag() == 1) {
        TROUPE_ASSIGN(auto query, read_query_message(m.get_message()));
        out.queries.push_back(std::move(query));
      } else if (m.tag() == 2) {
        read_types(m, accepted);
      } else {
        m.skip();
      }
    }
  } catch (const protozero::exception& e) {
    return malformed(e);
  }
  TROUPE_ASSIGN(out.wanted, choose_type(accepted));
  return out;
}

std::string encode_read_request(const read_query& query) {
  std::string body, part;
  put_number(body, 1, static_cast<uint64_t>(query.start));
  put_number(body, 2, static_cast<uint64_t>(query.end));
  for (const auto& m : query.ms) {
    part.clear();
    put_number(part, 1, static_cast<uint64_t>(m.op()));
    put_text(part, 2, m.name());
    put_text(part, 3, m.value());
    put_text(body, 3, part);
  }
  part.clear();
  put_number(part, 1, static_cast<uint64_t>(query.hints.step_ms));
  put_text(part, 2, query.hints.function);
  put_number(part, 3, static_cast<uint64_t>(query.hints.start));
  put_number(part, 4, static_cast<uint64_t>(query.hints.end));
  put_number(part, 7, static_cast<uint64_t>(query.hints.range_ms));
  put_text(body, 4, part);
  std::string out;
  put_text(out, 1, body);
  std::string types;
  put_varint(types, static_cast<uint64_t>(read_response::streamed_chunks));
  put_varint(types, static_cast<uint64_t>(read_response::samples));
  put_text(out, 2, types);
  return out;
}

void put_series(std::string& out, const labels& series, const storage::sample_columns& samples) {
  std::string message = encode_series_labels(series), native;
  for (size_t i = 0; i < samples.ts.size(); ++i)
    put_sample(message, 2, {samples.ts[i], samples.values[i]});
  for (const auto& row : samples.histograms) {
    native.clear();
    put_histogram(native, row.ts, *row.value);
    put_text(message, 4, native);
  }
  put_text(out, 1, message);
}

std::string encode_read_response(std::span<const std::string> results) {
  std::string out;
  for (const auto& r : results)
    put_text(out, 1, r);
  return out;
}

void put_chunk(std::string& out, timestamp_ms first, timestamp_ms last, uint8_t encoding,
               std::string_view data) {
  std::string chunk;
  put_number(chunk, 1, static_cast<uint64_t>(first));
  put_number(chunk, 2, static_cast<uint64_t>(last));
  put_number(chunk, 3, encoding);
  put_text(chunk, 4, data);
  put_text(out, 2, chunk);
}

void put_frame(std::string& out, std::string_view label_fields, std::string_view chunks,
               size_t query_index) {
  std::string body;
  put_text_head(body, 1, label_fields.size() + chunks.size());
  body.append(label_fields).append(chunks);
  put_number(body, 2, query_index);
  put_varint(out, body.size());
  const uint32_t crc = crc32c(body);
  for (const int shift : {24, 16, 8, 0})
    out += static_cast<char>(crc >> shift);
  out += body;
}

result<std::vector<read_series>> decode_read_response(std::string_view protobuf) {
  std::vector<read_series> out;
  size_t results = 0;
  try {
    auto m = reader_of(protobuf);
    while (m.next()) {
      if (m.tag() != 1) {
        m.skip();
        continue;
      }
      ++results;
      TROUPE_TRY(add_series_of(m.get_message(), out));
    }
  } catch (const protozero::exception& e) {
    return malformed(e);
  }
  if (results != 1)
    return {errc::invalid_argument, fmt::format("responses: want 1, got {}", results)};
  return out;
}

result<std::vector<read_series>> decode_read_stream(std::string_view frames,
                                                    uint64_t max_frame_bytes) {
  std::vector<read_series> out;
  while (!frames.empty()) {
    const char* const end = frames.data() + frames.size();
    uint64_t size = 0;
    const char* p = read_varint(frames.data(), end, size);
    if (p == nullptr)
      return {errc::invalid_argument, "the stream ends within a frame"};
    if (size > max_frame_bytes)
      return {errc::unsupported,
              fmt::format("chunkedReader: message size exceeded the limit {} bytes; got: {} bytes",
                          max_frame_bytes, size)};
    if (static_cast<uint64_t>(end - p) < crc_bytes + size)
      return {errc::invalid_argument, "the stream ends within a frame"};
    uint32_t crc = 0;
    for (size_t i = 0; i < crc_bytes; ++i)
      crc = crc << 8 | static_cast<uint8_t>(*p++);
    const std::string_view body(p, size);
    if (crc32c(body) != crc)
      return {errc::invalid_argument, "chunkedReader: corrupted frame; checksum mismatch"};
    try {
      TROUPE_TRY(add_series_of(reader_of(body), out));
    } catch (const protozero::exception& e) {
      return malformed(e);
    }
    frames = {p + size, static_cast<size_t>(end - p) - size};
  }
  return out;
}

status read_samples(std::string_view message, read_response kind, timestamp_ms mint,
                    timestamp_ms maxt, storage::sample_columns& out) {
  try {
    return read_message(message, kind, mint, maxt, out);
  } catch (const protozero::exception& e) {
    return malformed(e);
  }
}

}  // namespace troupe::remote
